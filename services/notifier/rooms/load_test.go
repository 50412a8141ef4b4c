package rooms

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// Clients come, join and go, in every way in which a client can go. Nothing of
// them may stay: not a goroutine, not a byte that counts.
func TestServer_KeepsNothingOfClientsThatHaveGone(t *testing.T) {
	const warmUp, cycles, workers = 2_000, 50_000, 16
	h := start(t, Options{Logger: zerolog.New(nil).Level(zerolog.WarnLevel)}) // else the log would grow
	address := strings.TrimPrefix(h.url, "http://")
	run := func(count int) {
		t.Helper()
		var next atomic.Int64
		var all sync.WaitGroup
		for range workers {
			all.Go(func() {
				for n := next.Add(1); n <= int64(count) && !t.Failed(); n = next.Add(1) {
					if err := cycle(address, int(n)); err != nil {
						t.Errorf("client %d: %v", n, err)
					}
				}
			})
		}
		all.Wait()
		enginetest.Eventually(t, "all have gone", func() bool { return h.Clients() == 0 && h.engine.Sessions() == 0 })
	}
	run(warmUp)
	goroutines, heap := usage(t, 1<<30)
	begun := time.Now()
	run(cycles)
	after, heapAfter := usage(t, goroutines)
	grown := int64(heapAfter) - int64(heap)
	t.Logf("%d clients in %v: goroutines %d → %d, heap %+d bytes", cycles, time.Since(begun).Round(time.Millisecond), goroutines, after, grown)
	// A leak of 64 bytes for each client would show.
	if grown > cycles*64 {
		t.Errorf("the heap grew by %d bytes over %d clients", grown, cycles)
	}
	if n := len(h.registry.rooms); n != 0 {
		t.Errorf("%d rooms are left of nobody", n)
	}
}

// usage measures when what has ended is gone; goroutines must come down to most.
func usage(t *testing.T, most int) (goroutines int, heap uint64) {
	t.Helper()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	enginetest.Eventually(t, fmt.Sprintf("at most %d goroutines", most), func() bool {
		goroutines = runtime.NumGoroutine()
		return goroutines <= most
	})
	runtime.GC()
	runtime.GC() // what has a cleanup goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return goroutines, m.HeapAlloc
}

// cycle is one client's life on a bare connection, for speed. It goes in one of
// four ways, and every tenth client polls.
func cycle(address string, n int) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	// Closing without lingering keeps 50,000 used ports from being a test of the kernel.
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(enginetest.Patience)); err != nil {
		return err
	}
	if n%10 == 9 {
		return cyclePolling(conn, n)
	}
	if err := beginWebsocket(conn); err != nil {
		return err
	}
	if _, err := conn.Write(append(frame(1, "40"), frame(1, joinPacket(n))...)); err != nil {
		return err
	}
	if _, err := await(conn, `{"joined":true}`); err != nil {
		return err
	}
	switch n % 4 {
	case 0: // without a word
	case 1: // as npm's client
		_, err = conn.Write(append(frame(1, "41"), frame(1, "1")...))
	case 2: // by the websocket's handshake
		_, err = conn.Write(frame(8, "\x03\xe8"))
	case 3: // breaking the protocol
		_, err = conn.Write(frame(1, "nonsense"))
	}
	return err
}

// beginWebsocket opens a session.
func beginWebsocket(conn net.Conn) error {
	if _, err := fmt.Fprintf(conn, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n", enginetest.Path); err != nil {
		return err
	}
	_, err := await(conn, `"maxPayload"`)
	return err
}

func cyclePolling(conn net.Conn, n int) error {
	request := func(method, sid, body, answer string) (string, error) {
		if _, err := fmt.Fprintf(conn, "%s %s?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", method, enginetest.Path, sid, len(body), body); err != nil {
			return "", err
		}
		return await(conn, answer)
	}
	opened, err := request("GET", "", "", `"maxPayload"`)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(opened, `"sid":"`)
	id, _, _ := strings.Cut(rest, `"`)
	sid := "&sid=" + id
	if _, err := request("POST", sid, "40\x1e"+joinPacket(n), "ok"); err != nil {
		return err
	}
	for got := ""; !strings.Contains(got, "joined"); {
		if got, err = request("GET", sid, "", "\r\n\r\n4"); err != nil {
			return err
		}
	}
	if n%20 == 9 {
		_, err = request("POST", sid, "41\x1e1", "ok")
		return err
	}
	_, err = fmt.Fprintf(conn, "GET %s?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\n\r\n", enginetest.Path, sid)
	return err // goes without waiting for the poll
}

func joinPacket(n int) string { return fmt.Sprintf(`420["joinRoom","user-%d_Create_User"]`, n) }

// await reads until the text has come.
func await(conn net.Conn, text string) (string, error) {
	var got []byte
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(text)) {
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			return "", fmt.Errorf("waiting for %q after %q: %w", text, got, err)
		}
	}
	return string(got), nil
}

// frame makes a client's websocket frame of fewer than 126 bytes, masked with zeros.
func frame(opcode byte, payload string) []byte {
	return append([]byte{0x80 | opcode, 0x80 | byte(len(payload)), 0, 0, 0, 0}, payload...)
}
