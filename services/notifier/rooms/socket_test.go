package rooms

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// recorder is a session that only notes what it is sent.
type recorder struct {
	mu   sync.Mutex
	sent []string // guarded by mu
	full bool     // guarded by mu
}

func (r *recorder) Send(p engineio.Packet) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return false
	}
	r.sent = append(r.sent, string(p))
	return true
}

func recorded(t *testing.T) (*socket, *recorder) {
	r := new(recorder)
	s := newSocket(t.Context(), "id", "", r)
	t.Cleanup(s.end)
	return s, r
}

func TestSocket_HearsASagaOnce(t *testing.T) {
	s, r := recorded(t)
	for _, saga := range []string{"one", "two", "one", "", "", "two"} {
		if !s.hear(saga, engineio.NewPacket(saga)) {
			t.Errorf("saga %q counts as not heard", saga)
		}
	}
	if diff := cmp.Diff([]string{"4one", "4two", "4", "4"}, r.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestSocket_ForgetsTheOldestSaga(t *testing.T) {
	s, r := recorded(t)
	for i := range 10 * remembered {
		s.hear(fmt.Sprint(i), engineio.NewPacket("x"))
	}
	if len(s.heard) != remembered {
		t.Errorf("%d sagas are remembered", len(s.heard))
	}
	before := len(r.sent)
	s.hear(fmt.Sprint(10*remembered-1), engineio.NewPacket("the newest again"))
	s.hear(fmt.Sprint(9*remembered), engineio.NewPacket("the oldest that is remembered, again"))
	if len(r.sent) != before {
		t.Errorf("sent again: %q", r.sent[before:])
	}
}

func TestSocket_ReplaysNothingOlderThanWhatItHeard(t *testing.T) {
	s, r := recorded(t)
	seen := s.emitted()
	s.hear("newer", engineio.NewPacket("newer"))
	if s.replay("older", engineio.NewPacket("older"), seen) {
		t.Error("an outcome that was read before another was emitted counts as replayed")
	}
	if !s.replay("newer", engineio.NewPacket("newer"), s.emitted()) {
		t.Error("read again, it does not count as replayed")
	}
	if diff := cmp.Diff([]string{"4newer"}, r.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestSocket_ThatCouldNotBeSentASagaHasNotHeardIt(t *testing.T) {
	s, r := recorded(t)
	r.full = true
	if s.hear("one", engineio.NewPacket("one")) {
		t.Error("counts as heard")
	}
	r.full = false
	s.hear("one", engineio.NewPacket("one"))
	if diff := cmp.Diff([]string{"4one"}, r.sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	s.end()
	if s.hear("two", engineio.NewPacket("two")) {
		t.Error("a socket that has ended counts as having heard")
	}
}

// The emit and the replay of one saga race: it is sent once, whoever is first.
func TestSocket_EmitRacingReplaySendsOnce(t *testing.T) {
	for range 5_000 {
		s, r := recorded(t)
		var both sync.WaitGroup
		both.Go(func() { s.hear("one", engineio.NewPacket("one")) })
		both.Go(func() {
			for !s.replay("one", engineio.NewPacket("one"), s.emitted()) {
				continue
			}
		})
		both.Wait()
		if len(r.sent) != 1 {
			t.Fatalf("sent %q", r.sent)
		}
	}
}
