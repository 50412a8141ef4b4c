package sagatest

import (
	"net"
	"sync"
	"testing"
)

// Hold keeps the address of a server that has stopped from any other process,
// until release is called: the next server needs the same. Who connects
// meanwhile is hung up on.
func Hold(t testing.TB, address string) (release func()) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatalf("hold the address of the stopped server: %v", err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // released
			}
			_ = conn.Close()
		}
	})
	return func() {
		_ = l.Close()
		serving.Wait()
	}
}
