package migrations

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

// The rules of the package comment. A migration that broke them could leave a
// database half changed, or drop what others own.
func TestFiles_KeepTheRules(t *testing.T) {
	names, err := fs.Glob(files, "*/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("the embedded files: %v, %v", names, err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			raw, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			up, down, ok := strings.Cut(string(raw), "-- +goose Down")
			if !ok {
				t.Fatal("it does not say what going down does")
			}
			if n := len(statements(up)); n != 1 {
				t.Errorf("it holds %d statements, want 1", n)
			}
			for _, s := range statements(up) {
				if !regexp.MustCompile(`^CREATE (TABLE|INDEX) IF NOT EXISTS `).MatchString(s) {
					t.Errorf("it begins %.40q: may that run twice?", s)
				}
			}
			if s := statements(down); len(s) != 0 {
				t.Errorf("going down executes %q", s)
			}
		})
	}
}

// statements returns what is left of a file's part without its comments.
func statements(part string) []string {
	var kept []string
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "--") {
			kept = append(kept, line)
		}
	}
	var found []string
	for s := range strings.SplitSeq(strings.Join(kept, ""), ";") {
		if s = strings.TrimSpace(s); s != "" {
			found = append(found, s)
		}
	}
	return found
}
