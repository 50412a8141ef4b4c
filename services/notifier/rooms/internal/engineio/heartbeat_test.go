package engineio

import (
	"testing"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// A ping follows only on one that was answered.
func TestHeartbeat_KeepsAClientThatAnswers(t *testing.T) {
	h := start(t, Options{PingInterval: 30 * time.Millisecond, PingTimeout: enginetest.Patience})
	t.Run("on a websocket", func(t *testing.T) {
		w, _ := enginetest.OpenWebsocket(t, h.url)
		for range 5 {
			w.Expect("2")
			w.Say("3")
		}
		w.Expect("2")
	})
	t.Run("on polling", func(t *testing.T) {
		p := enginetest.OpenPolling(t, h.url)
		for range 5 {
			p.Expect("2")
			p.Say("3")
		}
		p.Expect("2")
	})
}

func TestHeartbeat_EndsAClientThatIsSilent(t *testing.T) {
	h := start(t, Options{PingInterval: 30 * time.Millisecond, PingTimeout: 60 * time.Millisecond})
	t.Run("on a websocket", func(t *testing.T) {
		w, shake := enginetest.OpenWebsocket(t, h.url)
		w.Expect("2")
		h.expectClosed(shake.SID, PingTimeout)
		_ = w.ExpectEnd()
	})
	t.Run("on polling, without a poll", func(t *testing.T) {
		p := enginetest.OpenPolling(t, h.url)
		h.expectClosed(p.SID, PingTimeout)
	})
	t.Run("with a websocket that never took over", func(t *testing.T) {
		h := start(t, Options{PingInterval: 30 * time.Millisecond, PingTimeout: enginetest.Patience})
		p := enginetest.OpenPolling(t, h.url)
		w := enginetest.DialWebsocket(t, h.url, p.SID)
		w.Say("2probe")
		h.overdue(p.SID)
		h.expectClosed(p.SID, PingTimeout)
		_ = w.ExpectEnd()
	})
}

// overdue has the time for an answer to a ping be over.
func (h *harness) overdue(sid string) {
	s := h.echo(sid).session
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pingAt, s.pongBy = time.Time{}, time.Now()
}

func TestSession_ExpiresUnlessItIsToldOtherwise(t *testing.T) {
	h := start(t, Options{PingInterval: 80 * time.Millisecond, PingTimeout: enginetest.Patience})
	_, kept := enginetest.OpenWebsocket(t, h.url)
	h.echo(kept.SID).session.ExpireAt(time.Now())
	h.echo(kept.SID).session.ExpireAt(time.Time{})
	_, ended := enginetest.OpenWebsocket(t, h.url)
	h.echo(ended.SID).session.ExpireAt(time.Now())
	h.expectClosed(ended.SID, Expired)
	// A session is removed after its receiver was told.
	enginetest.Eventually(t, "the one that does not expire is left", func() bool { return h.Sessions() == 1 })
}
