package rooms

import (
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// BenchmarkClient_Keeps reports what an idle client in eight rooms takes, which has
// heard of each: bytes of heap, with the few hundred of the client's own end, and of
// stacks. Run it with -benchtime 2500x.
func BenchmarkClient_Keeps(b *testing.B) {
	h := start(b, Options{Logger: zerolog.New(nil).Level(zerolog.WarnLevel)})
	before := memory()
	conns := make([]net.Conn, b.N)
	for i := range conns {
		conns[i] = connectInRooms(b, h, i)
	}
	enginetest.Eventually(b, "no client is written to", func() bool { return enginetest.Goroutines(b, "(*Session).write(") == 0 })
	after := memory()
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(b.N), "heap-B/client")
	b.ReportMetric(float64(after.StackInuse-before.StackInuse)/float64(b.N), "stack-B/client")
	b.ReportMetric(0, "ns/op") // says nothing
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// connectInRooms makes a client that has joined eight rooms, each of which it has
// heard of.
func connectInRooms(b *testing.B, h *harness, n int) net.Conn {
	b.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		b.Fatal(err)
	}
	if err := beginWebsocket(conn); err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Write(frame(1, "40")); err != nil {
		b.Fatal(err)
	}
	for room := range 8 {
		id := fmt.Sprintf("user-%d-%d", n, room)
		if _, err := conn.Write(frame(1, `420["joinRoom","`+Name(id)+`"]`)); err != nil {
			b.Fatal(err)
		}
		if _, err := await(conn, `{"joined":true}`); err != nil {
			b.Fatal(err)
		}
		if heard := h.Emit(id, created("saga-of-"+id)); heard != 1 {
			b.Fatalf("%d clients heard of %s", heard, id)
		}
		if _, err := await(conn, "saga-of-"+id); err != nil {
			b.Fatal(err)
		}
	}
	return conn
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what has a cleanup goes with the second
	runtime.ReadMemStats(&m)
	return m
}
