package board

import (
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// Query chooses sagas. The zero value chooses all.
type Query struct {
	User     string     // only those of the user with this hash
	Saga     string     // only the saga with this id, and its later attempts
	Open     bool       // only those that have not ended
	Code     event.Code // only those that ended so
	From, To time.Time  // only those that began then: From included, To not
	Skip     int        // how many to pass over, the newest first
	Limit    int        // how many to return at most
}

func (q Query) matches(s *Saga) bool {
	switch {
	case q.User != "" && s.User != q.User,
		q.Saga != "" && !event.SameRegistration(s.Saga, q.Saga),
		q.Open && !s.Open(),
		q.Code != "" && s.Code != q.Code,
		!q.From.IsZero() && s.Began.Before(q.From),
		!q.To.IsZero() && !s.Began.Before(q.To):
		return false
	}
	return true
}

// Find returns the sagas that a query chooses, the newest first, and how many
// there are in all.
func (b *Board) Find(q Query) (page []Saga, total int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	among := b.sagas
	if q.User != "" {
		among = b.byUser[q.User]
	}
	for i := len(among) - 1; i >= 0; i-- {
		s := among[i]
		if !q.matches(s) {
			continue
		}
		if total >= q.Skip && len(page) < q.Limit {
			page = append(page, *s)
		}
		total++
	}
	return page, total
}

// Get returns one saga, and whether it is known.
func (b *Board) Get(k event.Key) (Saga, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.byKey[k]
	if s == nil {
		return Saga{}, false
	}
	return *s, true
}
