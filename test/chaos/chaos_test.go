package main

import (
	"testing"
	"time"

	"github.com/create-user/create-user/test/chaos/scenario"
	"github.com/create-user/create-user/test/chaos/system"
)

// TestChaos_Short is make chaos in small: every process, with the race detector
// in it, suffers faults of every kind while users register. The seed stands in
// the log; go run ./test/chaos -seed repeats it.
func TestChaos_Short(t *testing.T) {
	bin, err := system.Build(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) scenario.Scenario {
		s, err := scenario.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	o := scenario.Options{
		Seed: uint64(time.Now().Unix()), Registrations: 300, Rate: 20, Bin: bin, Log: t.Output(),
		FaultEvery: 1500 * time.Millisecond, FaultLongest: 4 * time.Second,
	}
	result, err := scenario.Run(t.Context(), o, find(scenario.Random))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range result.Violations {
		t.Error(v)
	}
	for _, trouble := range result.Troubles {
		t.Error(trouble)
	}
	if result.Requests == 0 || len(result.Recoveries) == 0 {
		t.Errorf("nothing was tried: %d requests, %d faults", result.Requests, len(result.Recoveries))
	}
}
