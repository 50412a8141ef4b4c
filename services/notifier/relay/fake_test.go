package relay_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/relay"
)

// patience is how long a test waits for what must come, before it fails.
const patience = 30 * time.Second

// fake is a Socket.IO server that does as a test says.
type fake struct {
	t        testing.TB
	server   *httptest.Server
	open     string // its first packet
	answer   string // to the client's connect
	sessions chan *session
}

// session is one connection to the fake. Whoever takes it reads it.
type session struct {
	ws      *websocket.Conn
	hello   string      // the client's connect
	packets chan string // after that
	pings   chan string // what the client pings with; unanswered
	gone    chan struct{}
}

const (
	openPacket = `0{"sid":"s","pingInterval":25000,"pingTimeout":20000,"maxPayload":200}`
	welcome    = `40{"sid":"t"}`
)

func newFake(t testing.TB) *fake {
	t.Helper()
	f := &fake{t: t, open: openPacket, answer: welcome, sessions: make(chan *session, 100)}
	f.server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(f.server.Close)
	return f
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.RequestURI() != "/socket.io/?EIO=4&transport=websocket" {
		http.NotFound(w, r)
		return
	}
	ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = ws.Close() }()
	s := &session{ws: ws, packets: make(chan string, 1000), pings: make(chan string, 1000), gone: make(chan struct{})}
	defer close(s.gone)
	ws.SetPingHandler(func(number string) error {
		s.pings <- number
		return nil
	})
	s.write(f.open)
	_, hello, err := ws.ReadMessage()
	if err != nil {
		return
	}
	s.hello = string(hello)
	s.write(f.answer)
	f.sessions <- s
	for {
		_, packet, err := ws.ReadMessage()
		if err != nil {
			return
		}
		s.packets <- string(packet)
	}
}

func (s *session) write(packet string) {
	_ = s.ws.WriteMessage(websocket.TextMessage, []byte(packet)) // a client that is gone shows elsewhere
}

// pong answers the client's next ping.
func (s *session) pong(t testing.TB) {
	t.Helper()
	_ = s.ws.WriteControl(websocket.PongMessage, []byte(receive(t, s.pings, "a ping")), time.Now().Add(patience))
}

// expect takes the next packet, which must be the wanted one.
func (s *session) expect(t testing.TB, want string) {
	t.Helper()
	if got := receive(t, s.packets, want); got != want {
		t.Fatalf("the server got %s, want %s", got, want)
	}
}

// client runs a client of the fake and waits until it can emit.
func (f *fake) client(change ...func(*relay.Options)) (*relay.Client, *session) {
	f.t.Helper()
	c := f.run(change...)
	s := receive(f.t, f.sessions, "a client")
	f.await(c)
	return c, s
}

// run runs a client of the fake until the test ends.
func (f *fake) run(change ...func(*relay.Options)) *relay.Client {
	f.t.Helper()
	o := relay.Options{URL: f.server.URL, Logger: zerolog.New(zerolog.NewTestWriter(f.t))}
	for _, c := range change {
		c(&o)
	}
	c, err := relay.New(o)
	if err != nil {
		f.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(f.t.Context())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	f.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

// await waits until the client can emit.
func (f *fake) await(c *relay.Client) {
	f.t.Helper()
	late := time.After(patience)
	for c.Connected(f.t.Context()) != nil {
		select {
		case <-time.After(time.Millisecond):
		case <-late:
			f.t.Fatal("the client is not connected")
		}
	}
}

// emit emits in the background and returns what Emit returns.
func emit(ctx context.Context, c *relay.Client, key string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- c.Emit(ctx, key, "Profile", map[string]string{"Id": key}) }()
	return done
}

func receive[T any](t testing.TB, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", strings.TrimSpace(what))
		panic("unreachable")
	}
}
