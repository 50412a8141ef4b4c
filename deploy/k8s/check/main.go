// Command check renders the overlays as "kubectl kustomize" does and holds every
// object against the API server's own code: decoded strictly (an unknown field, a
// duplicate or a wrong type is an error), completed, validated, and its pods held
// against the pod security standard of their namespace. What is KEDA's is held
// against the schema of its own custom resource. Then it looks at what no schema
// knows: selectors, secrets, consumers.
//
// It is a module of its own, outside of the workspace, for what it depends on.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	overlays := flag.String("overlays", "", "the `folder` of the overlays")
	crd := flag.String("keda", "", "the `file` with KEDA's definition of ScaledObject")
	consumers := flag.String("consumers", "", "the `folder` of the consumers' declarations")
	secrets := flag.String("secrets", "", "a `folder` that \"createuser secrets\" made")
	flag.Parse()
	if err := run(*overlays, *crd, *consumers, *secrets); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run(folder, crd, consumers, secrets string) error {
	overlays, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(overlays) == 0 {
		return fmt.Errorf("no overlays in %s", folder)
	}
	keda, err := kedaSchema(crd)
	if err != nil {
		return err
	}
	streams, err := consumersIn(consumers)
	if err != nil {
		return err
	}
	v := validator{newAPI(), keda, knowledge{secrets, streams}}
	wrong := 0
	for _, overlay := range overlays {
		count, problems := v.overlay(overlay)
		for _, p := range problems {
			fmt.Printf("%s: %v\n", filepath.Base(overlay), p)
		}
		fmt.Printf("%s: %d objects, %d problems\n", filepath.Base(overlay), count, len(problems))
		wrong += len(problems)
	}
	if wrong > 0 {
		return fmt.Errorf("%d problems", wrong)
	}
	return nil
}

// validator is what an overlay is held against.
type validator struct {
	api   api
	keda  *kedaValidator
	known knowledge
}

// overlay renders an overlay and returns how many objects it has and what is
// wrong with them.
func (v validator) overlay(path string) (int, []error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), path)
	if err != nil {
		return 0, []error{err}
	}
	var problems []error
	var all cluster
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err == nil {
			err = v.object(&all, r.GetKind(), text)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %s: %w", r.GetKind(), r.GetName(), err))
		}
	}
	return rendered.Size(), append(problems, all.check(v.known)...)
}

// object validates one object and keeps it in all.
func (v validator) object(all *cluster, kind string, text []byte) error {
	if kind == "ScaledObject" {
		if err := v.keda.check(text); err != nil {
			return err
		}
		return all.keepScaled(text)
	}
	object, err := v.api.read(text)
	if object != nil {
		all.keep(object)
	}
	return err
}
