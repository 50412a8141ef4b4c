package engineio

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestUpgrade_MovesTheSession(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	waiting := h.poll(p)
	w := enginetest.DialWebsocket(t, h.url, p.SID)
	w.Say("2probe")
	w.Expect("3probe")
	waiting.expect(http.StatusOK, "6")
	w.Say("5", "4hello")
	w.Expect("4hello")

	if status, _ := p.Get(); status != http.StatusBadRequest {
		t.Errorf("a poll after the move got %d", status)
	}
	if status := p.Post("4again"); status != http.StatusBadRequest {
		t.Errorf("a POST after the move got %d", status)
	}
	_ = enginetest.DialWebsocket(t, h.url, p.SID).ExpectEnd()
	w.Say("4still here")
	w.Expect("4still here")
}

func TestUpgrade_BringsAlongWhatWasQueued(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	w := enginetest.DialWebsocket(t, h.url, p.SID)
	w.Say("2probe")
	w.Expect("3probe")
	p.Say("4one", "4two")
	w.Say("5")
	w.Expect("4one")
	w.Expect("4two")
}

func TestUpgrade_ThatFailsLeavesTheSessionPolling(t *testing.T) {
	h := start(t, Options{})
	for name, offend := range map[string]func(*enginetest.Websocket){
		"the probe is wrong":          func(w *enginetest.Websocket) { w.Say("2prove") },
		"the probe is binary":         func(w *enginetest.Websocket) { w.SayBinary([]byte("2probe")) },
		"the websocket breaks":        func(w *enginetest.Websocket) { _ = w.NetConn().Close() },
		"the last step does not come": func(w *enginetest.Websocket) { w.Say("2probe", "4too soon") },
	} {
		t.Run(name, func(t *testing.T) {
			p := enginetest.OpenPolling(t, h.url)
			w := enginetest.DialWebsocket(t, h.url, p.SID)
			offend(w)
			_ = w.ExpectEnd()
			s := h.echo(p.SID).session
			enginetest.Eventually(t, "the upgrade is over", func() bool {
				s.mu.Lock()
				defer s.mu.Unlock()
				return s.candidate == nil
			})
			p.Say("4hello")
			p.Expect("4hello")
		})
	}
}

func TestUpgrade_TakesOneWebsocketAtATime(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	first := enginetest.DialWebsocket(t, h.url, p.SID)
	first.Say("2probe")
	first.Expect("3probe")
	_ = enginetest.DialWebsocket(t, h.url, p.SID).ExpectEnd()
	first.Say("5", "4hello")
	first.Expect("4hello")
}

// A stream of numbered messages is sent while the client moves as npm's client
// does: every one must come, once and in order, by whichever transport.
func TestUpgrade_LosesNothing(t *testing.T) {
	h := start(t, Options{Queue: 10_000})
	const rounds, messages = 40, 60
	for range rounds {
		p := enginetest.OpenPolling(t, h.url)
		s := h.echo(p.SID).session
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for i := range messages {
				s.Send(NewPacket(fmt.Sprint(i)))
			}
		}()
		got := moveWhileListening(t, h, p, messages)
		<-sent
		for i, packet := range got {
			if packet != fmt.Sprintf("4%d", i) {
				t.Fatalf("message %d is %q", i, packet)
			}
		}
	}
}

// moveWhileListening polls until the websocket is answered, lets the last poll end,
// moves, and reads until it has so many messages.
func moveWhileListening(t testing.TB, h *harness, p *enginetest.Polling, messages int) (got []string) {
	t.Helper()
	w := enginetest.DialWebsocket(t, h.url, p.SID)
	w.Say("2probe")
	for moving := false; !moving; {
		_, packets := p.Get()
		for _, packet := range packets {
			if packet == "6" {
				moving = true
			} else {
				got = append(got, packet)
			}
		}
	}
	w.Expect("3probe")
	w.Say("5")
	for len(got) < messages {
		got = append(got, w.Next())
	}
	return got
}
