package service

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestRaiseHeap(t *testing.T) {
	target := func(vars Vars, growth int) uint64 {
		release := RaiseHeap(vars, growth)
		defer release()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.NextGC
	}
	raised := target(Vars{}, 0)
	if want := uint64(heapFloor + heapFloor*heapGrowth/100); raised < want {
		t.Errorf("the collector is next to run at %d bytes, want %d at least", raised, want)
	}
	if less := target(Vars{}, heapGrowth/2); less >= raised {
		t.Errorf("with half the growth, the collector is next to run at %d bytes, with all of it at %d", less, raised)
	}
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		if got := target(Vars{name: "100"}, 0); got > raised-heapFloor {
			t.Errorf("with %s, the collector is next to run at %d bytes, as without", name, got)
		}
	}
	if before := debug.SetGCPercent(100); before != 100 {
		t.Errorf("once released, the heap may grow by %d %%, want 100", before)
	}
}
