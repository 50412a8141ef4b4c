package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/create-user/create-user/bench/run"
)

// TestBench_Small takes every measurement with a handful of users, so that the
// benchmark works whenever somebody needs it.
func TestBench_Small(t *testing.T) {
	var out bytes.Buffer
	if err := bench(t.Context(), []string{"-users", "40", "-rounds", "1"}, &out, t.Output()); err != nil {
		t.Fatal(err)
	}
	lines := json.NewDecoder(&out)
	for _, m := range run.Plan(40) {
		var one run.Run
		if err := lines.Decode(&one); err != nil {
			t.Fatal(err)
		}
		if one.Name != m.Name || one.Count != m.Count || one.PerSecond <= 0 || len(one.Problems) > 0 {
			t.Errorf("measured %+v", one)
		}
	}
}
