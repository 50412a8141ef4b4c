package service

import (
	"runtime"
	"runtime/debug"
)

// heapFloor is how much more the heap counts as when the garbage collector decides
// when to run next, and heapGrowth by how many per cent of all it may grow until
// then, unless a service says otherwise: by 16 MiB, and a quarter of what is kept.
// What a service keeps is a few MiB, so by its default the collector would run after
// every 4 MiB of allocations, several times a second; and in a service that keeps
// much, the garbage would come to as much again.
const (
	heapFloor  = 64 << 20
	heapGrowth = 25
)

// RaiseHeap raises the heap by 64 MiB and lets it grow by so many per cent, or by 25
// when that is 0, until the returned function is called, unless GOGC or GOMEMLIMIT is
// set. The bytes are never written to, so none of them takes up memory. [Main] does so.
func RaiseHeap(vars Vars, growth int) (release func()) {
	if vars["GOGC"] != "" || vars["GOMEMLIMIT"] != "" {
		return func() {}
	}
	if growth == 0 {
		growth = heapGrowth
	}
	floor := make([]byte, heapFloor)
	before := debug.SetGCPercent(growth)
	return func() {
		debug.SetGCPercent(before)
		runtime.KeepAlive(floor)
	}
}
