package rooms

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	joined     = `[{"joined":true}]`
	notAllowed = `[{"error":"not allowed to join this room"}]`
)

// What socket.io-client hears, by each of its transports.
func TestRealClient(t *testing.T) {
	install(t)
	for name, transports := range map[string][]string{
		"by websocket":       {"websocket"},
		"by polling":         {"polling"},
		"upgrading":          {"polling", "websocket"},
		"websocket at first": {"websocket", "polling"},
	} {
		t.Run(name, func(t *testing.T) {
			n := startNPM(t)
			for does, scene := range map[string]func(*testing.T, *npm, []string){
				"hears its outcome":          testHears,
				"hears it when late":         testHearsLate,
				"is refused":                 testIsRefused,
				"stays connected":            testStaysConnected,
				"comes back after a restart": testRestart,
				"comes from a page":          testOrigins,
			} {
				t.Run(does, func(t *testing.T) { scene(t, n.forTest(t), transports) })
			}
		})
	}
}

func testHears(t *testing.T, n *npm, transports []string) {
	h := start(t, Options{Authorize: onlyOwn})
	for _, client := range []string{"first", "second"} {
		n.begin(client, h.url, "token-of-ana", transports...)
		if got := n.await(client, "connect"); len(transports) == 1 && got != `"`+transports[0]+`"` {
			t.Errorf("connected by %s", got)
		}
		if got := n.ask(client, "joinRoom", "ana_Create_User", map[string]any{"ignored": true}); got != joined {
			t.Fatalf("joinRoom was answered %s", got)
		}
	}
	n.open("other", h.url, "token-of-bob", transports...)
	n.tell(command{Do: "emit", Client: "other", Event: "joinRoom", Args: []any{"bob_Create_User"}})
	if transports[0] == "polling" && len(transports) > 1 {
		n.expect("first", "upgrade", `"websocket"`)
	}
	if heard := h.Emit("ana", created("s1")); heard != 2 {
		t.Errorf("%d clients heard", heard)
	}
	want := `[{"Message":"User created successfully","Status":true,"Code":"created","Saga":"s1"}]`
	n.expect("first", "Profile_Response", want)
	n.expect("second", "Profile_Response", want)
	n.expectNo("other", "Profile_Response") // and by now it has joined, without an acknowledgement
	if heard := h.Emit("bob", refused("s2")); heard != 1 {
		t.Errorf("%d clients heard", heard)
	}
	n.expect("other", "Profile_Response", `[{"Message":"The verification code is incorrect","Status":false,"Code":"code_incorrect","Saga":"s2"}]`)
	n.tell(command{Do: "close", Client: "first"})
	n.expect("first", "disconnect", `"io client disconnect"`)
}

func testHearsLate(t *testing.T, n *npm, transports []string) {
	h := start(t, Options{Last: func(_ context.Context, id string) (Message, bool, error) {
		return created("s1"), id == "ana", nil
	}})
	n.open("a", h.url, "", transports...)
	if got := n.ask("a", "joinRoom", "ana_Create_User"); got != joined {
		t.Fatalf("joinRoom was answered %s", got)
	}
	n.expect("a", "Profile_Response", `[{"Message":"User created successfully","Status":true,"Code":"created","Saga":"s1"}]`)
	h.Emit("ana", created("s1"))
	n.expectNo("a", "Profile_Response")
}

func testIsRefused(t *testing.T, n *npm, transports []string) {
	h := start(t, Options{Authorize: onlyOwn})
	n.open("eve", h.url, "token-of-eve", transports...)
	if got := n.ask("eve", "joinRoom", "ana_Create_User"); got != notAllowed {
		t.Errorf("joinRoom was answered %s", got)
	}
	n.tell(command{Do: "emit", Client: "eve", Event: "joinRoom", Args: []any{"ana_Create_User"}})
	n.expect("eve", "joinRoom_error", notAllowed)
	for _, js := range []string{
		"undefined", "null", "NaN", "-1", "true", "[]", "{}", "new Date()", "Buffer.from('ana_Create_User')", "new Uint8Array(2000)",
		"{ toString: 'x', length: -1 }", "'x'.repeat(5000)", "'\\ud800_Create_User'", "'ana_Create_User\\u0000'", "[['ana_Create_User']]",
		"{ nested: { buffer: Buffer.alloc(10) } }", "JSON.parse('{\"__proto__\":1}')",
	} {
		if got := n.ask("eve", "joinRoom", map[string]string{"$": js}); !strings.HasPrefix(got, `[{"error":`) {
			t.Errorf("joinRoom with %s was answered %s", js, got)
		}
	}
	if heard := h.Emit("ana", created("s1")); heard != 0 {
		t.Errorf("%d clients heard", heard)
	}
	n.expectNo("eve", "Profile_Response")
	n.expectNo("eve", "disconnect")
	n.open("nobody", h.url, "", transports...) // may connect
	if got := n.ask("nobody", "joinRoom", "ana_Create_User"); got != notAllowed {
		t.Errorf("joinRoom without a token was answered %s", got)
	}
	if strings.Contains(h.log.String(), "token-of") || strings.Contains(h.log.String(), "ana") {
		t.Errorf("the log tells what clients sent:\n%s", h.log)
	}
}

func testStaysConnected(t *testing.T, n *npm, transports []string) {
	h := start(t, Options{PingInterval: 40 * time.Millisecond})
	n.open("a", h.url, "", transports...)
	for range 5 {
		n.await("a", "ping")
	}
	n.expectNo("a", "disconnect")
	if h.Clients() != 1 {
		t.Errorf("%d clients", h.Clients())
	}
}

// The outcome is emitted as the notifier stops: the client hears it, comes back to
// the next one by itself, joins again, and hears from that one too.
func testRestart(t *testing.T, n *npm, transports []string) {
	first := listen(t, "127.0.0.1:0", Options{})
	n.open("a", "http://"+first.address, "", transports...)
	n.ask("a", "joinRoom", "ana_Create_User")
	first.rooms.Emit("ana", created("s1"))
	first.stop(t)
	n.expect("a", "Profile_Response", `[{"Message":"User created successfully","Status":true,"Code":"created","Saga":"s1"}]`)
	if got := n.await("a", "disconnect"); got != `"transport close"` && got != `"transport error"` {
		t.Errorf("disconnected by %s, after which the client does not come back", got)
	}

	second := listen(t, first.address, Options{Last: func(context.Context, string) (Message, bool, error) {
		return created("s1"), true, nil
	}})
	n.await("a", "connect")
	n.ask("a", "joinRoom", "ana_Create_User")
	n.expect("a", "Profile_Response", `[{"Message":"User created successfully","Status":true,"Code":"created","Saga":"s1"}]`)
	second.rooms.Emit("ana", refused("s2"))
	n.await("a", "Profile_Response")
	n.tell(command{Do: "close", Client: "a"})
	n.await("a", "disconnect")
	second.stop(t)
}

func testOrigins(t *testing.T, n *npm, transports []string) {
	const ours = "https://ours.example"
	h := start(t, Options{Origins: []string{ours}})
	from := func(origin string) map[string]any {
		return map[string]any{"transports": transports, "reconnection": false, "extraHeaders": map[string]string{"Origin": origin}}
	}
	n.tell(command{Do: "open", Client: "ours", URL: h.url, Options: from(ours)})
	n.await("ours", "connect")
	n.ask("ours", "joinRoom", "ana_Create_User")
	h.Emit("ana", created("s1"))
	n.await("ours", "Profile_Response")
	n.tell(command{Do: "open", Client: "foreign", URL: h.url, Options: from("https://foreign.example")})
	n.await("foreign", "connect_error")
}

// listening is a notifier at an address of its own, which another may have after it.
type listening struct {
	rooms   *Server
	http    *http.Server
	address string
	served  sync.WaitGroup
}

func listen(t *testing.T, address string, opts Options) *listening {
	t.Helper()
	srv, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv.Handler())
	l := &listening{rooms: srv, http: &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}, address: listener.Addr().String()}
	l.served.Go(func() { _ = l.http.Serve(listener) }) // its error is that it was stopped
	return l
}

// stop ends a notifier as its process would: the clients first, then the listener.
func (l *listening) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := l.rooms.Close(ctx); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := l.http.Shutdown(ctx); err != nil {
		t.Errorf("shutdown: %v", err)
	}
	l.served.Wait()
}
