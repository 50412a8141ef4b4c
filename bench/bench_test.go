package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/create-user/create-user/bench/report"
)

// TestBench_Small measures one of each kind with a handful of users, and writes
// a document, so that the benchmark works whenever somebody needs it.
func TestBench_Small(t *testing.T) {
	folder := t.TempDir()
	document := filepath.Join(folder, "performance.md")
	text := "head\n<!-- begin of what make bench writes -->\nold\n<!-- end of what make bench writes -->\ntail\n"
	if err := os.WriteFile(document, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"ours", "bull-5", "runner", "bare", "watermill", "ours-50"}
	args := []string{"-users", "40", "-rounds", "1", "-out", folder, "-doc", document, "-only", strings.Join(names, ",")}
	if err := bench(t.Context(), args, t.Output()); err != nil {
		t.Fatal(err)
	}
	var results report.Rounds
	if err := report.Load(folder, report.RoundsFile, &results); err != nil {
		t.Fatal(err)
	}
	for i, one := range results.Runs {
		if one.Name != names[i] || one.Count < 1 || one.PerSecond <= 0 || len(one.Problems) > 0 {
			t.Errorf("measured %+v", one)
		}
	}
	written, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"head\n", "| Create User, each service a process, all effects real | 40 |", "all hold", "\ntail\n"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the document lacks %q:\n%s", want, written)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "performance", "throughput.svg")); err != nil {
		t.Error(err)
	}
}

func TestBench_SaysWhatIsWrongWithItsArguments(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"-only nothing", `no measurement "nothing"`},
		{"-users 0", "-users"},
		{"-render", "-out"},
		{"-render -out x", "-doc"},
		{"fast", `unknown argument "fast"`},
		{"-scale 10 -only ours", "-only"},
	} {
		t.Run(tt.args+" is refused", func(t *testing.T) {
			_, err := parse(strings.Fields(tt.args), t.Output())
			if err == nil {
				err = bench(t.Context(), strings.Fields(tt.args), t.Output())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one about %s", err, tt.want)
			}
		})
	}
	if _, err := parse([]string{"-help"}, t.Output()); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-help ends with %v", err)
	}
}
