package service

import "runtime"

// heapFloor is how much the heap counts as at least when the garbage collector
// decides when to run next. What a service keeps is a few MiB, so by its default
// the collector would run after every 4 MiB of allocations, several times a second.
const heapFloor = 16 << 20

// RaiseHeap raises the heap to heapFloor until the returned function is called,
// unless GOGC or GOMEMLIMIT is set. The bytes are never written to, so none of
// them takes up memory, and a heap that has grown large is collected nearly as it
// would be without them. [Main] does so.
func RaiseHeap(vars Vars) (release func()) {
	if vars["GOGC"] != "" || vars["GOMEMLIMIT"] != "" {
		return func() {}
	}
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
