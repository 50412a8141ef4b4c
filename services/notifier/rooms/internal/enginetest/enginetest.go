// Package enginetest is an Engine.IO client for tests: it speaks in packets, so a
// test can also say what no well-behaved client says.
package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// Patience is how long a test waits for what must happen before it fails.
const Patience = 20 * time.Second

// Path is where Serve mounts its handler.
const Path = "/socket.io/"

// Serve serves handler on loopback until the test ends and returns its URL. The
// test closes what stands behind the handler first.
func Serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(Path, handler)
	server := httptest.NewUnstartedServer(mux)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // tests make handlers panic
	server.Start()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

// Eventually waits until what is so. It is for what announces itself by no signal.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	late := time.After(Patience)
	for !so() {
		select {
		case <-ticker.C:
		case <-late:
			t.Fatalf("never came true: %s", what)
		}
	}
}

// Goroutines counts those that are in a function, named as in a stack: "(*Session).read(".
func Goroutines(t testing.TB, function string) (n int) {
	t.Helper()
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, function) {
			n++
		}
	}
	return n
}

// Handshake is what the open packet says.
type Handshake struct {
	SID          string   `json:"sid"`
	Upgrades     []string `json:"upgrades"`
	PingInterval int      `json:"pingInterval"`
	PingTimeout  int      `json:"pingTimeout"`
	MaxPayload   int      `json:"maxPayload"`
}

// ParseOpen reads an open packet.
func ParseOpen(t testing.TB, packet string) Handshake {
	t.Helper()
	var h Handshake
	body, found := strings.CutPrefix(packet, "0")
	if !found {
		t.Fatalf("the first packet is %q, not an open packet", packet)
	}
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("open packet %q: %v", packet, err)
	}
	return h
}

// Websocket is a client on a websocket.
type Websocket struct {
	*websocket.Conn
	t testing.TB
}

// DialWebsocket opens a websocket; sid is empty for a new session, whose open
// packet is still to be read.
func DialWebsocket(t testing.TB, url, sid string) *Websocket {
	t.Helper()
	address := "ws" + strings.TrimPrefix(url, "http") + Path + "?EIO=4&transport=websocket"
	if sid != "" {
		address += "&sid=" + sid
	}
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	conn, answer, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	return &Websocket{Conn: conn, t: t}
}

// OpenWebsocket begins a session on a websocket.
func OpenWebsocket(t testing.TB, url string) (*Websocket, Handshake) {
	t.Helper()
	w := DialWebsocket(t, url, "")
	return w, ParseOpen(t, w.Next())
}

// Say sends packets, one frame each.
func (w *Websocket) Say(packets ...string) {
	w.t.Helper()
	for _, p := range packets {
		if err := w.WriteMessage(websocket.TextMessage, []byte(p)); err != nil {
			w.t.Fatalf("write %.40q: %v", p, err)
		}
	}
}

// SayBinary sends a binary frame.
func (w *Websocket) SayBinary(data []byte) {
	w.t.Helper()
	if err := w.WriteMessage(websocket.BinaryMessage, data); err != nil {
		w.t.Fatalf("write a binary frame: %v", err)
	}
}

// SayClose begins the websocket's closing handshake.
func (w *Websocket) SayClose() {
	w.t.Helper()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := w.WriteControl(websocket.CloseMessage, bye, time.Now().Add(Patience)); err != nil {
		w.t.Fatalf("close: %v", err)
	}
}

// Next returns the next packet.
func (w *Websocket) Next() string {
	w.t.Helper()
	packet, err := w.TryNext()
	if err != nil {
		w.t.Fatalf("read: %v", err)
	}
	return packet
}

// Expect reads the next packet, which must be this one.
func (w *Websocket) Expect(packet string) {
	w.t.Helper()
	if got := w.Next(); got != packet {
		w.t.Fatalf("got %q, want %q", got, packet)
	}
}

// TryNext is Next for what may fail.
func (w *Websocket) TryNext() (string, error) {
	w.t.Helper()
	if err := w.SetReadDeadline(time.Now().Add(Patience)); err != nil {
		return "", err
	}
	_, data, err := w.ReadMessage()
	return string(data), err
}

// ExpectEnd reads until the server has ended the connection, and returns how.
func (w *Websocket) ExpectEnd() error {
	w.t.Helper()
	for {
		_, err := w.TryNext()
		if timeout, ok := err.(interface{ Timeout() bool }); ok && timeout.Timeout() {
			w.t.Fatal("the connection was not ended")
		}
		if err != nil {
			return err
		}
	}
}

// Polling is a client that polls.
type Polling struct {
	Handshake
	URL string // of the session
	t   testing.TB
}

// OpenPolling begins a session on polling.
func OpenPolling(t testing.TB, url string) *Polling {
	t.Helper()
	p := &Polling{URL: url + Path + "?EIO=4&transport=polling", t: t}
	status, packets := p.Get()
	if status != http.StatusOK || len(packets) != 1 {
		t.Fatalf("handshake: status %d, packets %q", status, packets)
	}
	p.Handshake = ParseOpen(t, packets[0])
	p.URL += "&sid=" + p.SID
	return p
}

// Get polls once. Without an answer in time, or at all, the status is 0.
func (p *Polling) Get() (status int, packets []string) {
	p.t.Helper()
	status, body := Do(p.t, http.MethodGet, p.URL, nil, nil)
	return status, strings.Split(body, "\x1e")
}

// Expect polls once for exactly these packets.
func (p *Polling) Expect(packets ...string) {
	p.t.Helper()
	status, got := p.Get()
	if want := strings.Join(packets, "\x1e"); status != http.StatusOK || strings.Join(got, "\x1e") != want {
		p.t.Fatalf("poll: status %d, packets %q, want %q", status, got, packets)
	}
}

// Post sends packets at once and returns the status.
func (p *Polling) Post(packets ...string) int {
	p.t.Helper()
	status, _ := Do(p.t, http.MethodPost, p.URL, []byte(strings.Join(packets, "\x1e")), nil)
	return status
}

// Say is Post for what must be accepted.
func (p *Polling) Say(packets ...string) {
	p.t.Helper()
	if status := p.Post(packets...); status != http.StatusOK {
		p.t.Fatalf("POST %.80q: status %d", packets, status)
	}
}

// Do makes a request. Without an answer in time, or at all, the status is 0.
func Do(t testing.TB, method, url string, body []byte, header http.Header) (status int, answer string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, ""
	}
	return response.StatusCode, string(read)
}
