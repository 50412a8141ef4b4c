package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/relay"
)

func TestEmit_ReturnsAfterTwoAnswersBehindTheEvent(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	done := emit(t.Context(), c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.pong(t)
	receive(t, s.pings, "a second ping") // and so the first answer was not enough
	select {
	case err := <-done:
		t.Fatalf("Emit returned %v after one answer", err)
	default:
	}
	_ = s.ws.WriteControl(websocket.PongMessage, []byte("2"), time.Now().Add(patience))
	if err := receive(t, done, "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
}

func TestEmit_OnePingServesAllThatWait(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	first := emit(t.Context(), c, "0")
	receive(t, s.packets, "the first event")
	const others = 50
	all := []<-chan error{first}
	for i := range others {
		all = append(all, emit(t.Context(), c, fmt.Sprint(i+1)))
		receive(t, s.packets, "an event")
	}
	for range 3 { // behind the first; behind the others; behind that
		s.pong(t)
	}
	for _, done := range all {
		if err := receive(t, done, "the end of Emit"); err != nil {
			t.Errorf("Emit: %v", err)
		}
	}
}

func TestEmit_OfTheSameKeyWaitsOnWithoutSendingAgain(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	ctx, giveUp := context.WithCancel(t.Context())
	done := emit(ctx, c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	giveUp() // the server is slow
	if err := receive(t, done, "the end of Emit"); !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("Emit: %v, want ErrUnavailable", err)
	}
	again := emit(t.Context(), c, "ada")
	other := emit(t.Context(), c, "bob")
	s.expect(t, `422["Profile",{"Id":"bob"}]`)
	for range 3 {
		s.pong(t)
	}
	for _, done := range []<-chan error{again, other} {
		if err := receive(t, done, "the end of Emit"); err != nil {
			t.Errorf("Emit: %v", err)
		}
	}
}

func TestEmit_WithAProofThatCameLateReturnsAtOnce(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	ctx, giveUp := context.WithCancel(t.Context())
	done := emit(ctx, c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	giveUp()
	receive(t, done, "the end of Emit")
	s.pong(t)
	s.pong(t)
	if err := receive(t, emit(t.Context(), c, "ada"), "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
	if len(s.packets) > 0 {
		t.Errorf("the server got it twice: %s", <-s.packets)
	}
}

func TestEmit_TakesTheServersAcknowledgement(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	done := emit(t.Context(), c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.write(`431[]`)
	if err := receive(t, done, "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
}

func TestEmit_OfAServerThatAcknowledgesTakesNothingElse(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	done := emit(t.Context(), c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.write(`431["heard"]`)
	receive(t, done, "the end of Emit")

	ctx, giveUp := context.WithCancel(t.Context())
	done = emit(ctx, c, "bob")
	s.expect(t, `422["Profile",{"Id":"bob"}]`)
	for range 3 { // behind the first; behind the second; behind that
		s.pong(t)
	}
	// The answers were read once something that came behind them was.
	probe := emit(t.Context(), c, "probe")
	s.expect(t, `423["Profile",{"Id":"probe"}]`)
	s.write(`433[]`)
	receive(t, probe, "the end of Emit")
	giveUp()
	if err := receive(t, done, "the end of Emit"); !errors.Is(err, relay.ErrNotAcknowledged) {
		t.Errorf("Emit: %v, want ErrNotAcknowledged", err)
	}
	again := emit(t.Context(), c, "bob") // anew
	s.expect(t, `424["Profile",{"Id":"bob"}]`)
	s.write(`434[]`)
	if err := receive(t, again, "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
}

func TestEmit_OfWhatNobodyHearsSaysSoAndSendsAnew(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	done := emit(t.Context(), c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.write(`431[false]`)
	if err := receive(t, done, "the end of Emit"); !errors.Is(err, relay.ErrNotHeard) || errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("Emit: %v, want ErrNotHeard", err)
	}
	again := emit(t.Context(), c, "ada")
	s.expect(t, `422["Profile",{"Id":"ada"}]`)
	s.write(`432[true]`)
	if err := receive(t, again, "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
}

// Such a server takes its time to see who is in the room; the first answers to pings
// come before that.
func TestEmit_ToAServerThatIsSaidToAcknowledgeTakesNothingElse(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client(func(o *relay.Options) { o.Acks = true })
	done := emit(t.Context(), c, "ada")
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.pong(t)
	s.pong(t)
	probe := emit(t.Context(), c, "probe") // the answers were read once what came behind them was
	s.expect(t, `422["Profile",{"Id":"probe"}]`)
	s.write(`432[true]`)
	receive(t, probe, "the end of Emit")
	s.write(`431[false]`)
	if err := receive(t, done, "the end of Emit"); !errors.Is(err, relay.ErrNotHeard) {
		t.Errorf("Emit: %v, want ErrNotHeard", err)
	}
}

func TestConnectedFor_CountsFromWhenEmitCanEmit(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	c, s := f.client()
	if c.ConnectedFor() <= 0 {
		t.Error("not connected")
	}
	f.server.Listener.Close()
	s.write("1")
	<-s.gone
	for c.Connected(t.Context()) == nil {
		<-time.After(time.Millisecond)
	}
	if since := c.ConnectedFor(); since != 0 {
		t.Errorf("connected for %s when it is away", since)
	}
}

func TestEmit_FailsWhenTheConnectionEndsBeforeTheProof(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*session){
		"the connection breaks":        func(s *session) { _ = s.ws.NetConn().Close() },
		"the server says goodbye":      func(s *session) { s.write("1") },
		"the server ends the session":  func(s *session) { s.write("41") },
		"the server breaks websockets": func(s *session) { _, _ = s.ws.NetConn().Write([]byte("HTTP/1.1 400")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			c, s := f.client()
			done := emit(t.Context(), c, "ada")
			receive(t, s.packets, "the event")
			s.pong(t)
			end(s)
			if err := receive(t, done, "the end of Emit"); !errors.Is(err, relay.ErrUnavailable) {
				t.Errorf("Emit: %v, want ErrUnavailable", err)
			}
			next := receive(t, f.sessions, "another connection")
			f.await(c)
			again := emit(t.Context(), c, "ada")
			next.expect(t, `421["Profile",{"Id":"ada"}]`)
			next.pong(t)
			next.pong(t)
			if err := receive(t, again, "the end of Emit"); err != nil {
				t.Errorf("Emit: %v", err)
			}
		})
	}
}

func TestEmit_FailsAtOnceWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.server.Close()
	c := f.run()
	if err := c.Emit(t.Context(), "ada", "Profile", nil); !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("Emit: %v, want ErrUnavailable", err)
	}
	if err := c.Connected(t.Context()); err == nil {
		t.Error("it says that it is connected")
	}
}

// Also after the first one: whoever has just started does not know whether the
// server has, too.
func TestEmit_LeavesTheServerAloneAfterEachConnection(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	connected := make(chan struct{}, 10)
	c := f.run(func(o *relay.Options) {
		o.Settle = time.Hour
		o.Logger = zerolog.New(zerolog.NewTestWriter(t)).Hook(zerolog.HookFunc(func(_ *zerolog.Event, _ zerolog.Level, message string) {
			if message == "connected to the Socket.IO server" {
				connected <- struct{}{}
			}
		}))
	})
	for range 2 {
		s := receive(t, f.sessions, "a connection")
		receive(t, connected, "the client's word of it")
		if err := c.Emit(t.Context(), "ada", "Profile", nil); !errors.Is(err, relay.ErrUnavailable) {
			t.Errorf("Emit: %v, want ErrUnavailable", err)
		}
		s.write("1")
		<-s.gone
	}
}

func TestEmit_RefusesWhatTheServerWouldNotTake(t *testing.T) {
	t.Parallel()
	c, s := newFake(t).client()
	if err := c.Emit(t.Context(), "ada", "Profile", strings.Repeat("a", 200)); !errors.Is(err, relay.ErrTooLarge) {
		t.Errorf("Emit: %v, want ErrTooLarge", err)
	}
	if err := c.Emit(t.Context(), "ada", "Profile", func() {}); err == nil {
		t.Error("it emits a function")
	}
	done := emit(t.Context(), c, "ada") // the key is free again
	s.expect(t, `421["Profile",{"Id":"ada"}]`)
	s.pong(t)
	s.pong(t)
	if err := receive(t, done, "the end of Emit"); err != nil {
		t.Errorf("Emit: %v", err)
	}
}

func TestRun_AnswersTheServersPings(t *testing.T) {
	t.Parallel()
	_, s := newFake(t).client()
	s.write("2")
	s.expect(t, "3")
}

func TestRun_LeavesASilentServer(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.open = `0{"sid":"s","pingInterval":20,"pingTimeout":20}`
	f.run()
	receive(t, f.sessions, "a client")
	receive(t, f.sessions, "another connection")
}

func TestRun_SendsItsToken(t *testing.T) {
	t.Parallel()
	_, s := newFake(t).client(func(o *relay.Options) { o.Token = "sesame" })
	if s.hello != `40{"token":"sesame"}` {
		t.Errorf("it greets with %s", s.hello)
	}
	if _, s := newFake(t).client(); s.hello != "40" {
		t.Errorf("without a token it greets with %s", s.hello)
	}
}

func TestRun_TriesAgainWhenItIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer = `44{"message":"not yet"}`
	c := f.run()
	s := receive(t, f.sessions, "a client")
	<-s.gone
	if err := c.Connected(t.Context()); err == nil {
		t.Error("it says that it is connected")
	}
	receive(t, f.sessions, "another try")
}

func TestRun_GivesUpOnWhatIsNoSocketIOServer(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	t.Cleanup(server.Close)
	f := newFake(t)
	c := f.run(func(o *relay.Options) { o.URL = server.URL + "/rooms/" })
	for range 2 {
		if path := receive(t, asked, "a request"); path != "/rooms/" {
			t.Errorf("it asks for %s", path)
		}
	}
	if err := c.Connected(t.Context()); err == nil {
		t.Error("it says that it is connected")
	}
}

func TestNew_RefusesAnAddressThatIsNone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "127.0.0.1:4003", "sesame:4003", "redis://sesame:6379", "http://", "http://ada:sesame@one:1", "http://one/?key=sesame", "http://ses ame",
	} {
		_, err := relay.New(relay.Options{URL: address})
		if err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("New with %q: %v", address, err)
		}
	}
}
