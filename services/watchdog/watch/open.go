// Package watch ends sagas whose deadline has passed. It follows the event
// store, keeps the open sagas in memory, and appends failed to those that are
// late, behind their last event: when a step is faster, the append is refused
// and nothing is lost. So any number of watchdogs may run.
//
// A saga past its pivot is never failed; it is reported.
package watch

import (
	"sync"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// openSaga is a saga that has not ended, as its last event left it.
type openSaga struct {
	key      event.Key
	userID   string
	last     event.Type
	meta     event.Meta // of the last event
	sequence uint64     // of the last event
	stored   time.Time  // when the last event was
	reported bool       // as late past its pivot
}

// openSagas is the projection of the event store onto the sagas that are open.
// It is safe for concurrent use.
type openSagas struct {
	mu   sync.Mutex
	open map[event.Key]*openSaga // guarded by mu
}

// apply takes one event into account.
func (o *openSagas) apply(e saga.Stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.Type.Terminal() {
		delete(o.open, e.Key)
		return
	}
	s := o.open[e.Key]
	if s == nil {
		s = &openSaga{key: e.Key, userID: userID(e)}
		o.open[e.Key] = s
	}
	s.last, s.meta, s.sequence, s.stored, s.reported = e.Type, e.Meta, e.Sequence, e.Time, false
}

// userID returns the Id in an event's body. One that cannot be read leaves it
// empty: the saga ends in time all the same, only nobody hears of it.
func userID(e saga.Stored) string {
	var body struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(e.Data, &body) // as said above
	return body.ID
}

// late returns the sagas whose deadline has passed: those that can be failed,
// and, once each, those past their pivot.
func (o *openSagas) late(now time.Time) (toFail, toReport []openSaga) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.open {
		switch {
		case s.meta.Deadline.IsZero() || now.Before(s.meta.Deadline):
		case s.last.BeforePivot():
			toFail = append(toFail, *s)
		case !s.reported:
			s.reported = true
			toReport = append(toReport, *s)
		}
	}
	return toFail, toReport
}

func (o *openSagas) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open)
}
