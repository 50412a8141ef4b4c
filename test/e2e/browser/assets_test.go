package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/create-user/create-user/test/parts"
)

// The built scripts and styles stand in the repository, so that Go alone builds
// the console. They must be what the sources make.
func TestAssets_AreWhatTheSourcesMake(t *testing.T) {
	web, err := filepath.Abs("../../../services/console/web")
	if err != nil {
		t.Fatal(err)
	}
	parts.Node(t, web)
	built := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "npm", "run", "--silent", "build", "--", "--outdir="+built)
	cmd.Dir = web
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want, got := files(t, built), files(t, filepath.Join(web, "static"))
	if len(want) != len(got) {
		t.Errorf("%d files are built, %d stand in static", len(want), len(got))
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("static/%s is not what the sources make: npm run build", name)
		}
	}
}

func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = string(text)
	}
	return all
}
