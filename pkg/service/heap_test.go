package service

import (
	"runtime"
	"runtime/debug"
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
	if want := uint64(heapFloor + heapFloor*heapGrowth/100); raised < want {
		t.Errorf("the collector is next to run at %d bytes, want %d at least", raised, want)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if got := target(Vars{name: "100"}); got > raised-heapFloor {
			t.Errorf("with %s, the collector is next to run at %d bytes, as without", name, got)
		}
	}
	if before := debug.SetGCPercent(100); before != 100 {
		t.Errorf("once released, the heap may grow by %d %%, want 100", before)
	}
}
