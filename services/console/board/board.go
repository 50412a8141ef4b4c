package board

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// Saga is how a saga stands.
type Saga struct {
	event.Key
	Began   time.Time // when its request was stored, or its first event
	Changed time.Time // when its last event was stored
	Last    event.Type
	Code    event.Code // how it ended; empty while it is open

	Sequence uint64 // of its last event
}

// Open reports whether the saga has not ended yet.
func (s Saga) Open() bool { return !s.Last.Terminal() }

// Board is the projection. It is safe for concurrent use.
type Board struct {
	limit int

	mu     sync.RWMutex
	sagas  []*Saga                // guarded by mu; by their beginning
	byKey  map[event.Key]*Saga    // guarded by mu
	byUser map[string][]*Saga     // guarded by mu; by UserHash
	open   map[*Saga]struct{}     // guarded by mu
	flow   flow                   // guarded by mu
	hear   map[*Listener]struct{} // guarded by mu
}

// New returns a board that remembers limit sagas.
func New(limit int) *Board {
	return &Board{
		limit: limit,
		byKey: make(map[event.Key]*Saga), byUser: make(map[string][]*Saga),
		open: make(map[*Saga]struct{}), hear: make(map[*Listener]struct{}),
	}
}

// Apply takes the next event of the store into account.
func (b *Board) Apply(e saga.Stored) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, known := b.byKey[e.Key]
	if known && e.Sequence <= s.Sequence {
		return
	}
	if !known {
		s = b.begin(e)
	} else {
		b.flow.hop(e.Time, e.Type, e.Time.Sub(s.Changed))
	}
	s.Changed, s.Last, s.Sequence = e.Time, e.Type, e.Sequence
	b.flow.count(e.Time, e.Type)
	if e.Type.Terminal() {
		b.end(s, e)
	}
	b.tell(e.Key)
}

// begin adds a saga. The caller holds mu.
func (b *Board) begin(e saga.Stored) *Saga {
	s := &Saga{Key: e.Key, Began: e.Time, Changed: e.Time}
	if requested := e.Meta.Requested; !requested.IsZero() {
		s.Began, s.Changed = requested, requested
		b.flow.hop(e.Time, e.Type, e.Time.Sub(requested))
	}
	b.sagas = append(b.sagas, s)
	b.byKey[s.Key] = s
	b.byUser[s.User] = append(b.byUser[s.User], s)
	b.open[s] = struct{}{}
	if len(b.sagas) > b.limit {
		b.forget(b.sagas[0])
		b.sagas[0] = nil
		b.sagas = b.sagas[1:]
	}
	return s
}

// forget drops the oldest saga, which is its user's oldest, too. The caller holds mu.
func (b *Board) forget(s *Saga) {
	delete(b.byKey, s.Key)
	delete(b.open, s)
	theirs := b.byUser[s.User]
	theirs[0] = nil
	if b.byUser[s.User] = theirs[1:]; len(theirs) == 1 {
		delete(b.byUser, s.User)
	}
}

// end notes how a saga ended. The caller holds mu.
func (b *Board) end(s *Saga, e saga.Stored) {
	delete(b.open, s)
	var body event.Ended
	if json.Unmarshal(e.Data, &body) == nil {
		s.Code = body.Code
	}
	b.flow.end(e.Time, s.Code)
}
