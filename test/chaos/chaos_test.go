package main

import (
	"testing"
	"time"

	"github.com/create-user/create-user/test/chaos/scenario"
	"github.com/create-user/create-user/test/chaos/system"
)

// TestChaos_Short is make chaos in small: every process, with the race detector
// in it, suffers faults of every kind while users register; then each service is
// stopped by SIGTERM in turn. The seed stands in the log; go run ./test/chaos -seed
// repeats it.
func TestChaos_Short(t *testing.T) {
	bin, err := system.Build(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{scenario.Random, "stop-each"} {
		t.Run(name, func(t *testing.T) { suffer(t, name, bin) })
	}
}

func suffer(t *testing.T, name, bin string) {
	t.Helper()
	s, err := scenario.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	o := scenario.Options{
		Seed: uint64(time.Now().Unix()), Registrations: 300, Rate: 20, Bin: bin, Log: t.Output(),
		FaultEvery: 1500 * time.Millisecond, FaultLongest: 4 * time.Second,
	}
	result, err := scenario.Run(t.Context(), o, s)
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
