package rooms

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// remembered is how many sagas a socket remembers having heard of.
const remembered = 32

// sender is what a socket needs of its session. Send never blocks.
type sender interface {
	Send(engineio.Packet) bool
}

// socket is a connected Socket.IO client.
type socket struct {
	id    string // public: the client knows it as socket.id, and logs may
	token string // secret; judged at each join
	out   sender

	ctx    context.Context // ends with the socket
	cancel context.CancelFunc
	gone   atomic.Bool

	// mu is held while a message is sent, so that messages are sent in the order in
	// which they were judged. Only the session's and the registry's mutexes are taken
	// under it.
	mu    sync.Mutex
	heard []string // guarded by mu; the sagas heard of last, the oldest at next
	next  int      // guarded by mu; where the next saga is noted once heard is full
	live  uint64   // guarded by mu; counts messages that came by Emit
}

func newSocket(ctx context.Context, id, token string, out sender) *socket {
	s := &socket{id: id, token: token, out: out}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// end stops what is done for the socket. Nothing is sent to it from then on.
func (s *socket) end() {
	s.gone.Store(true)
	s.cancel()
}

// hear sends a message that was emitted, unless the socket has heard of its saga.
// It reports whether the socket has been sent it, now or before.
func (s *socket) hear(saga string, p engineio.Packet) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.live++
	return s.sendOnce(saga, p)
}

// replay sends a message that was read when seen was the count of emitted ones. It
// reports false, and sends nothing, when one was emitted since: what was read may
// be older than that.
func (s *socket) replay(saga string, p engineio.Packet, seen uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live != seen {
		return false
	}
	s.sendOnce(saga, p)
	return true
}

func (s *socket) emitted() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live
}

// sendOnce is called with mu held.
func (s *socket) sendOnce(saga string, p engineio.Packet) bool {
	if s.gone.Load() {
		return false
	}
	if saga != "" && slices.Contains(s.heard, saga) {
		return true
	}
	if !s.out.Send(p) {
		return false
	}
	s.note(saga)
	return true
}

func (s *socket) note(saga string) {
	saga = strings.Clone(saga) // it may be a part of something longer, which is not to be kept
	switch {
	case saga == "":
	case len(s.heard) < remembered:
		s.heard = append(s.heard, saga)
	default:
		s.heard[s.next] = saga
		s.next = (s.next + 1) % remembered
	}
}

// answer tells the client how its joinRoom went: by the acknowledgement it awaits,
// or, of an error, by an event.
func (s *socket) answer(ack string, problem error) {
	switch {
	case s.gone.Load():
	case ack != "" && problem == nil:
		s.out.Send(ackPacket(ack, map[string]bool{"joined": true}))
	case ack != "":
		s.out.Send(ackPacket(ack, map[string]string{"error": problem.Error()}))
	case problem != nil:
		s.out.Send(eventPacket("joinRoom_error", map[string]string{"error": problem.Error()}))
	}
}
