package engineio

import (
	"net/http"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

func TestPolling_CarriesMessagesBothWays(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	t.Run("one", func(t *testing.T) {
		p.Say("4hello")
		p.Expect("4hello")
	})
	t.Run("several at once", func(t *testing.T) {
		p.Say("4one", "4two", "4drei – três")
		p.Expect("4one", "4two", "4drei – três")
	})
	t.Run("a binary one beside a text", func(t *testing.T) {
		p.Say("4text", "bAQIDBA==")
		p.Expect("4text", "4binary")
	})
	t.Run("while the poll waits", func(t *testing.T) {
		answered := h.poll(p)
		p.Say("4awaited")
		answered.expect(http.StatusOK, "4awaited")
	})
}

func TestPolling_EndsASessionThatBreaksTheProtocol(t *testing.T) {
	h := start(t, Options{MaxPayload: 1000})
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"an unknown type of packet":     {"abc", 400},
		"an empty packet":               {"4good\x1e", 400},
		"a ping, which is not its part": {"2", 400},
		"what is not UTF-8":             {"4\xff", 400},
		"what its receiver refuses":     {"4offend", 400},
		"too much at once":              {"4" + strings.Repeat("x", 1000), 413},
	} {
		t.Run(name, func(t *testing.T) {
			p := enginetest.OpenPolling(t, h.url)
			if status := p.Post(test.body); status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			h.expectClosed(p.SID, BadProtocol)
			if status, _ := p.Get(); status != http.StatusBadRequest {
				t.Errorf("a later poll got %d", status)
			}
		})
	}
	t.Run("a second poll at once", func(t *testing.T) {
		p := enginetest.OpenPolling(t, h.url)
		first := h.poll(p)
		if status, _ := p.Get(); status != http.StatusBadRequest {
			t.Errorf("the second poll got %d", status)
		}
		first.expect(http.StatusOK, "1")
		h.expectClosed(p.SID, BadProtocol)
	})
	t.Run("and serves the next one", func(t *testing.T) {
		p := enginetest.OpenPolling(t, h.url)
		p.Say("4hello")
		p.Expect("4hello")
	})
}

func TestPolling_EndsWhenTheClientSaysSo(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	waiting := h.poll(p)
	p.Say("1")
	waiting.expect(http.StatusOK, "6")
	h.expectClosed(p.SID, ClientClosed)
}

func TestPolling_EndsWhenThePollIsGivenUp(t *testing.T) {
	h := start(t, Options{})
	p := enginetest.OpenPolling(t, h.url)
	waiting := h.poll(p)
	waiting.giveUp()
	h.expectClosed(p.SID, TransportLost)
}

func TestWebsocket_CarriesMessagesBothWays(t *testing.T) {
	h := start(t, Options{})
	w, _ := enginetest.OpenWebsocket(t, h.url)
	w.Say("4hello", "4ça va")
	w.Expect("4hello")
	w.Expect("4ça va")
	w.SayBinary([]byte{1, 2, 3})
	w.Expect("4binary")
}

func TestWebsocket_EndsASessionThatBreaksTheProtocol(t *testing.T) {
	h := start(t, Options{MaxPayload: 1000})
	for name, packet := range map[string]string{
		"an unknown type of packet":     "abc",
		"an empty packet":               "",
		"a ping, which is not its part": "2",
		"what is not UTF-8":             "4\xff",
		"what its receiver refuses":     "4offend",
		"too much at once":              "4" + strings.Repeat("x", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			w, shake := enginetest.OpenWebsocket(t, h.url)
			w.Say(packet)
			h.expectClosed(shake.SID, BadProtocol)
			_ = w.ExpectEnd()
		})
	}
}

func TestWebsocket_EndsHoweverTheClientGoes(t *testing.T) {
	faults := make(chan error, 1)
	h := start(t, Options{Panicked: func(err error) { faults <- err }})
	t.Run("by a packet", func(t *testing.T) {
		w, shake := enginetest.OpenWebsocket(t, h.url)
		w.Say("1")
		h.expectClosed(shake.SID, ClientClosed)
	})
	t.Run("by the websocket's own handshake", func(t *testing.T) {
		w, shake := enginetest.OpenWebsocket(t, h.url)
		w.SayClose()
		h.expectClosed(shake.SID, ClientClosed)
	})
	t.Run("without a word", func(t *testing.T) {
		w, shake := enginetest.OpenWebsocket(t, h.url)
		_ = w.NetConn().Close()
		h.expectClosed(shake.SID, TransportLost)
	})
	t.Run("by a fault of the receiver, which ends nothing else", func(t *testing.T) {
		other, _ := enginetest.OpenWebsocket(t, h.url)
		w, shake := enginetest.OpenWebsocket(t, h.url)
		w.Say("4panic")
		h.expectClosed(shake.SID, TransportLost)
		if fault := (<-faults).Error(); !strings.Contains(fault, "receive") || strings.Contains(fault, "a receiver's fault") {
			t.Errorf("told of %s", fault)
		}
		other.Say("4still here")
		other.Expect("4still here")
	})
}

// How much memory an idle client takes depends on its goroutines above all.
func TestWebsocket_HasOneGoroutineWhileNothingIsSaid(t *testing.T) {
	const sessions = 20
	h := start(t, Options{})
	for range sessions {
		w, _ := enginetest.OpenWebsocket(t, h.url)
		w.Say("4hello")
		w.Expect("4hello")
	}
	enginetest.Eventually(t, "one waits in each session, and none writes", func() bool {
		return enginetest.Goroutines(t, "(*Session).read(") == sessions && enginetest.Goroutines(t, "(*Session).write(") == 0
	})
	h.end()
	if n := enginetest.Goroutines(t, "(*Session).read("); n != 0 {
		t.Errorf("%d goroutines outlive the server", n)
	}
}
