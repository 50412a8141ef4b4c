package engineio

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// echo is a receiver that sends back what it hears and notes how it ended.
type echo struct {
	session *Session
	closed  chan Reason // holds every call of Closed
}

func (e *echo) Text(message []byte) error {
	if string(message) == "offend" {
		return errors.New("offended")
	}
	if string(message) == "panic" {
		panic("a receiver's fault")
	}
	e.session.Send(NewPacket(string(message)))
	return nil
}

func (e *echo) Binary() error {
	e.session.Send(NewPacket("binary"))
	return nil
}

func (e *echo) Closed(reason Reason) { e.closed <- reason }

// harness is a server of echoes.
type harness struct {
	*Server
	t   testing.TB
	url string

	mu    sync.Mutex
	echos map[string]*echo // guarded by mu; by session id
}

// start serves echoes until the test ends.
func start(t testing.TB, opts Options) *harness {
	t.Helper()
	h := &harness{t: t, echos: make(map[string]*echo)}
	opts.Open = func(s *Session) Receiver {
		e := &echo{session: s, closed: make(chan Reason, 8)}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.echos[s.id] = e
		return e
	}
	srv, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = srv
	h.url = enginetest.Serve(t, srv)
	t.Cleanup(func() { h.end() })
	return h
}

// end cuts off every session.
func (h *harness) end() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.Close(ctx) // the error says that sessions were cut off, as meant
}

func (h *harness) echo(sid string) *echo {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.echos[sid]
	if e == nil {
		h.t.Fatal("the session never opened")
	}
	return e
}

// expectClosed waits for the end of a session.
func (h *harness) expectClosed(sid string, want Reason) {
	h.t.Helper()
	select {
	case got := <-h.echo(sid).closed:
		if got != want {
			h.t.Fatalf("the session ended by %q, want %q", got, want)
		}
	case <-time.After(enginetest.Patience):
		h.t.Fatalf("the session did not end; want %q", want)
	}
}
