package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// module makes a module of its own with one test file.
func module(t *testing.T, test string) string {
	t.Helper()
	folder := t.TempDir()
	t.Setenv("GOWORK", "off")
	for name, text := range map[string]string{
		"go.mod": "module example.com/m\n\ngo 1.26\n", "m_test.go": "package m\n\nimport \"testing\"\n\n" + test,
		"testdata/x_test.go":       "func FuzzNot(f *testing.F) {",
		"other/go.mod":             "module example.com/other\n",
		"other/x_test.go":          "func FuzzOther(f *testing.F) {",
		"node_modules/a/x_test.go": "func FuzzNot(f *testing.F) {",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func TestFuzz_CountsTargets(t *testing.T) {
	folder := module(t, `
func FuzzHolds(f *testing.F) { f.Add(1); f.Fuzz(func(*testing.T, int) {}) }
func FuzzBreaks(f *testing.F) { f.Add(1); f.Fuzz(func(t *testing.T, n int) { if n != 1 { t.Error("broken") } }) }
func TestNone(t *testing.T) {}
`)
	list, err := targetsIn(folder)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]target{{folder, "FuzzHolds"}, {folder, "FuzzBreaks"}}, list, cmp.AllowUnexported(target{})); diff != "" {
		t.Fatalf("targets (-want +got):\n%s", diff)
	}
	var out strings.Builder
	if passed, failed := fuzz(t.Context(), list, time.Second, &out); passed != 1 || failed != 1 {
		t.Errorf("%d passed, %d failed; want 1 and 1", passed, failed)
	}
	for _, want := range []string{"ok    fuzz FuzzHolds", "FAIL  fuzz FuzzBreaks", "Failing input written"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report does not show %q:\n%s", want, out.String())
		}
	}
}

func TestTimeUp_IsNoFailure(t *testing.T) {
	const ran = "fuzz: elapsed: 3s, execs: 40304 (13431/sec), new interesting: 104 (total: 108)\n"
	for output, want := range map[string]bool{
		ran + "--- FAIL: FuzzA (3.20s)\n    context deadline exceeded\nFAIL\n":                                  true,
		ran + "--- FAIL: FuzzA (3.20s)\n    --- FAIL: FuzzA (0.00s)\n        context deadline exceeded\nFAIL\n": false,
		"--- FAIL: FuzzA (3.20s)\n    context deadline exceeded\nFAIL\n":                                        false,
		ran + "panic: context deadline exceeded\n":                                                              false,
	} {
		if got := timeUp([]byte(output)); got != want {
			t.Errorf("%t for:\n%s", got, output)
		}
	}
}
