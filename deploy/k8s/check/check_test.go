package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestCheck_RefusesWhatIsWrong breaks the production overlay in one place at a time.
func TestCheck_RefusesWhatIsWrong(t *testing.T) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "../overlays/production")
	if err != nil {
		t.Fatal(err)
	}
	text, err := rendered.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	streams, err := consumersIn("../../../streams/consumers")
	if err != nil {
		t.Fatal(err)
	}
	keda, err := kedaSchema(os.Getenv("KEDA_CRD"))
	if err != nil {
		t.Fatalf("KEDA_CRD: %v (make k8s sets it)", err)
	}
	v := validator{newAPI(), keda, knowledge{os.Getenv("SECRETS"), streams}}
	for name, c := range map[string]struct{ from, to, want string }{
		"an unknown field":                   {"terminationGracePeriodSeconds:", "terminationGracePeriod:", "unknown field"},
		"a value out of range":               {"failureThreshold: 30", "failureThreshold: -1", "failureThreshold"},
		"a volume that is not there":         {"name: secrets\n          readOnly", "name: secret\n          readOnly", "volumeMounts[0].name"},
		"a selector of other pods":           {"  selector:\n    matchLabels:\n      app.kubernetes.io/name: encryptor", "  selector:\n    matchLabels:\n      app.kubernetes.io/name: other", "selector"},
		"a pod that the namespace refuses":   {"runAsNonRoot: true", "runAsNonRoot: false", "pod security"},
		"a pod without a container":          {" containers:", " initContainers:", "want one container"},
		"a file that nobody makes":           {"/run/secrets/JWT_SECRET", "/run/secrets/JWT_KEY", "makes no JWT_KEY"},
		"a field that KEDA does not know":    {"pollingInterval:", "pollInterval:", "pollInterval"},
		"a consumer that is not declared":    {"consumer: row-remover", "consumer: row-mover", "row-mover"},
		"a consumer on another stream":       {"account: USER_CREATE_REQUESTS", "account: USER_CREATE_EVENTS", "is in the account"},
		"a target of scaling that is absent": {"scaleTargetRef:\n    name: encryptor", "scaleTargetRef:\n    name: encrypter", "no deployment encrypter"},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.ReplaceAll(string(text), c.from, c.to)
			if broken == string(text) {
				t.Fatalf("the overlay holds no %q", c.from)
			}
			folder := t.TempDir()
			write(t, filepath.Join(folder, "all.yaml"), broken)
			write(t, filepath.Join(folder, "kustomization.yaml"), "resources: [all.yaml]\n")
			_, problems := v.overlay(folder)
			for _, p := range problems {
				if strings.Contains(p.Error(), c.want) {
					return
				}
			}
			t.Errorf("want a problem that names %q, got %v", c.want, problems)
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
