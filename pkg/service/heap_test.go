package service

import (
	"runtime"
	"testing"
)

func TestRaiseHeap(t *testing.T) {
	target := func(vars Vars) uint64 {
		release := RaiseHeap(vars)
		defer release()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	raised := target(Vars{})
	if raised < 2*heapFloor {
		t.Errorf("the collector is next to run at %d bytes, want %d at least", raised, 2*heapFloor)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if got := target(Vars{name: "100"}); got > raised-heapFloor {
			t.Errorf("with %s, the collector is next to run at %d bytes, as without", name, got)
		}
	}
}
