// Command check renders the overlays as "kubectl kustomize" does and holds every
// object against the types of the Kubernetes API, strictly: an unknown field, a
// duplicate or a wrong type is an error. What is KEDA's is held against the
// schema of its own custom resource. Then it looks at what no schema knows.
//
// It is a module of its own, outside of the workspace, for what it depends on.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: check FOLDER-OF-OVERLAYS KEDA-CRD")
		os.Exit(2)
	}
	overlays, err := filepath.Glob(filepath.Join(os.Args[1], "*"))
	if err != nil || len(overlays) == 0 {
		fmt.Fprintln(os.Stderr, "check: no overlays in", os.Args[1])
		os.Exit(2)
	}
	schema, err := kedaSchema(os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(2)
	}
	failed := false
	for _, overlay := range overlays {
		count, problems := checkOverlay(overlay, schema)
		for _, p := range problems {
			fmt.Printf("%s: %v\n", overlay, p)
			failed = true
		}
		fmt.Printf("%s: %d objects\n", filepath.Base(overlay), count)
	}
	if failed {
		os.Exit(1)
	}
}

// checkOverlay renders an overlay and returns how many objects it has and what
// is wrong with them.
func checkOverlay(overlay string, keda *kedaValidator) (int, []error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	if err != nil {
		return 0, []error{err}
	}
	var problems []error
	var known cluster
	for _, r := range rendered.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return 0, []error{err}
		}
		name := r.GetKind() + " " + r.GetName()
		if r.GetKind() == "ScaledObject" {
			err = keda.check(text)
			known.scaled = append(known.scaled, text)
		} else {
			err = known.decode(text)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	return rendered.Size(), append(problems, known.check()...)
}
