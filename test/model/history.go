package model

import (
	"slices"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// stored is an event of the event store, or a request of the inbox, whose Key is
// that of the saga that it begins.
type stored struct {
	event.Key
	Type     event.Type
	Body     event.Body
	Sequence uint64
	At       time.Time
	Deadline time.Time
	unread   bool // it cannot be decoded
	invalid  bool // it breaks a rule for requests
}

// history is the event store: append only, in one order.
type history struct {
	events []stored
	next   uint64 // sequence
	last   map[event.Key]uint64
}

// place returns the index of a saga's last event, or -1.
func (s *history) place(k event.Key) int {
	sequence, ok := s.last[k]
	if !ok {
		return -1
	}
	i, found := slices.BinarySearchFunc(s.events, sequence, func(e stored, n uint64) int { return int(e.Sequence) - int(n) })
	if !found {
		return -1
	}
	return i
}

// latest returns the last event that fits.
func (s *history) latest(fits func(stored) bool) (stored, bool) {
	for i := len(s.events) - 1; i >= 0; i-- {
		if fits(s.events[i]) {
			return s.events[i], true
		}
	}
	return stored{}, false
}

// of returns a saga's events.
func (s *history) of(k event.Key) []stored {
	var list []stored
	for _, e := range s.events {
		if e.Key == k {
			list = append(list, e)
		}
	}
	return list
}

// put stores an event unless the saga's last one is not at sequence after.
func (s *history) put(e stored, after uint64) (stored, bool) {
	if s.last[e.Key] != after {
		return e, false
	}
	return s.force(e), true
}

// force stores an event whatever is there.
func (s *history) force(e stored) stored {
	s.next++
	e.Sequence = s.next
	s.events = append(s.events, e)
	s.last[e.Key] = e.Sequence
	return e
}

// dropOldest loses the oldest event, as a stream would that discards old ones.
func (s *history) dropOldest() stored {
	e := s.events[0]
	s.events = s.events[1:]
	if s.last[e.Key] == e.Sequence {
		delete(s.last, e.Key)
	}
	return e
}
