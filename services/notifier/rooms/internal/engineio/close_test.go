package engineio

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestClose_DeliversWhatIsQueued(t *testing.T) {
	h := start(t, Options{})
	w, onWebsocket := enginetest.OpenWebsocket(t, h.url)
	idle := enginetest.OpenPolling(t, h.url)
	between := enginetest.OpenPolling(t, h.url)
	polling, silent := enginetest.OpenPolling(t, h.url), enginetest.OpenPolling(t, h.url)
	waiting, hearsNothing := h.poll(polling), h.poll(silent)
	for _, sid := range []string{onWebsocket.SID, between.SID, polling.SID} {
		if !h.echo(sid).session.Send(NewPacket("last words")) {
			t.Fatal("not taken")
		}
	}
	closed := make(chan error, 1)
	go func() { closed <- h.Close(t.Context()) }()

	w.Expect("4last words")
	if err := w.ExpectEnd(); !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the websocket ended by %v", err)
	}
	waiting.expect(http.StatusOK, "4last words")
	hearsNothing.expect(http.StatusOK, "1")
	h.expectClosed(idle.SID, ServerClosed)
	if status, body := enginetest.Do(t, "GET", h.url+enginetest.Path+"?EIO=4&transport=polling", nil, nil); status != http.StatusServiceUnavailable {
		t.Errorf("a new session got %d %s", status, body)
	}
	between.Expect("4last words")
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	for _, sid := range []string{onWebsocket.SID, between.SID, polling.SID} {
		h.expectClosed(sid, ServerClosed)
	}
	if h.echo(polling.SID).session.Send(NewPacket("too late")) {
		t.Error("a message was taken after the end")
	}
}

func TestClose_CutsOffWhenItMust(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	h.echo(p.SID).session.Send(NewPacket("nobody fetches this"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close returned %v", err)
	}
	h.expectClosed(p.SID, ServerClosed)
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("a second Close returned %v", err)
	}
}

func TestClose_LeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	srv, err := New(Options{Open: func(s *Session) Receiver { return &echo{session: s, closed: make(chan Reason, 8)} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("with clients", func(t *testing.T) {
		url := enginetest.Serve(t, srv)
		for range 20 {
			enginetest.OpenWebsocket(t, url)
			p := enginetest.OpenPolling(t, url)
			enginetest.DialWebsocket(t, url, p.SID).Say("2probe")
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = srv.Close(ctx)
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	enginetest.Eventually(t, "every goroutine ended", func() bool { return runtime.NumGoroutine() <= before })
}

// slowGoodbye is a receiver that takes its time to hear of the end.
type slowGoodbye struct {
	Receiver
	release chan struct{}
}

func (s slowGoodbye) Closed(Reason) { <-s.release }

func TestClose_WaitsUntilEveryReceiverKnows(t *testing.T) {
	for name, cutOff := range map[string]bool{"in order": false, "cut off": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				receiver := slowGoodbye{release: make(chan struct{})}
				srv, err := New(Options{Open: func(*Session) Receiver { return receiver }})
				if err != nil {
					t.Fatal(err)
				}
				s, err := srv.open(nil)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if cutOff {
					cancel()
				}
				closed := make(chan struct{})
				go s.close(PingTimeout)
				synctest.Wait()
				go func() {
					_ = srv.Close(ctx) // its error is another test's
					close(closed)
				}()
				synctest.Wait()
				select {
				case <-closed:
					t.Error("Close did not wait for a receiver that was still told")
				default:
				}
				close(receiver.release)
				<-closed
			})
		})
	}
}

func TestSession_EndsOnceForManyReasons(t *testing.T) {
	h := start(t, Options{})
	for range 200 {
		w, shake := enginetest.OpenWebsocket(t, h.url)
		s := h.echo(shake.SID).session
		var all sync.WaitGroup
		all.Go(func() { s.close(PingTimeout) })
		all.Go(func() { s.drain() })
		all.Go(func() { _ = w.NetConn().Close() })
		all.Wait()
		_ = w.ExpectEnd()
		enginetest.Eventually(t, "the session is forgotten", func() bool { return h.find(shake.SID) == nil })
		<-h.echo(shake.SID).closed
	}
	ctx, cancel := context.WithTimeout(t.Context(), enginetest.Patience)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Fatal(err)
	}
	for _, e := range h.echos {
		if len(e.closed) > 0 {
			t.Fatal("a receiver was told twice of the end")
		}
	}
}

func TestSession_ThatDoesNotReadIsEnded(t *testing.T) {
	const queue = 8
	h := start(t, Options{Queue: queue})
	t.Run("on polling, after its queue is full", func(t *testing.T) {
		p := enginetest.OpenPolling(t, h.url)
		s := h.echo(p.SID).session
		for i := range queue {
			if !s.Send(NewPacket("x")) {
				t.Fatalf("message %d was refused", i)
			}
		}
		if s.Send(NewPacket("x")) {
			t.Error("the queue has no bound")
		}
		h.expectClosed(p.SID, TooSlow)
	})
	t.Run("on a websocket, without delay for the sender", func(t *testing.T) {
		_, shake := enginetest.OpenWebsocket(t, h.url)
		s := h.echo(shake.SID).session
		p := NewPacket(strings.Repeat("x", 64<<10))
		begun := time.Now()
		sent := 0
		for s.Send(p) {
			sent++
			runtime.Gosched()
		}
		h.expectClosed(shake.SID, TooSlow)
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("%d sends took %v", sent, took)
		}
	})
}
