package model

import (
	"cmp"
	"slices"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// This file is the model of the two that follow the event store: the watchdog and
// the notifier. Each is anywhere in it, and goes on one event at a time.

type watchdog struct {
	w      *World
	cursor uint64 // sequence of the last event seen
	open   map[event.Key]stored
}

// see takes the next event into account. It reports whether there was one.
func (d *watchdog) see() bool {
	e, ok := d.w.following(&d.cursor)
	if !ok {
		return false
	}
	if d.open[e.Key] = e; e.Type.Terminal() {
		delete(d.open, e.Key)
	}
	return true
}

// following returns the event after a cursor, and moves it.
func (w *World) following(cursor *uint64) (stored, bool) {
	for _, e := range w.history.events {
		if e.Sequence > *cursor {
			*cursor = e.Sequence
			return e, true
		}
	}
	return stored{}, false
}

// late returns the sagas that are to be failed, in a fixed order.
func (d *watchdog) late() []stored {
	if d.w.Mutant == NoDeadline {
		return nil
	}
	var list []stored
	for _, e := range d.open {
		if d.w.now.After(e.Deadline) && (e.Type.BeforePivot() || d.w.Mutant == FailPastPivot) {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b stored) int { return cmp.Compare(a.Sequence, b.Sequence) })
	return list
}

// fail appends failed behind the last event seen of a saga. What goes wrong is
// tried again in the next round.
func (d *watchdog) fail(seen stored) {
	w := d.w
	if w.chance("append is lost", 8) {
		return
	}
	after := seen.Sequence
	if w.Mutant == WatchdogBlind {
		after = w.history.last[seen.Key]
	}
	w.store(stored{
		Key: seen.Key, Type: event.TypeFailed, Deadline: seen.Deadline,
		Body: event.NewEnded(seen.Body.UserID(), event.StepWatchdog, event.CodeDeadlineExceeded),
	}, after)
}

type notifier struct {
	w      *World
	cursor uint64
}

// next notifies of the next event. It reports whether there was one.
func (n *notifier) next() bool {
	e, ok := n.w.following(&n.cursor)
	if !ok {
		return false
	}
	ended, ok := e.Body.(event.Ended)
	if !ok || !n.told(e, ended) {
		return true
	}
	for _, p := range n.w.people {
		if p.id == ended.ID && p.notifier == n {
			p.hear(e)
		}
	}
	return true
}

// restart loses all clients, and what was ended meanwhile.
func (n *notifier) restart() {
	n.cursor = n.w.history.next
	for _, p := range n.w.people {
		if p.notifier == n {
			p.notifier = nil
		}
	}
}

// join connects a person's client, who hears the outcome that came before.
func (n *notifier) join(p *person) {
	p.notifier = n
	if e, ok := n.before(p.user); ok {
		p.hear(e)
	}
}

func (p *person) hear(e stored) {
	ended := e.Body.(event.Ended) //nolint:errcheck // terminal events only
	p.heard = append(p.heard, invariants.Outcome{Message: ended.Message, Status: ended.Status, Code: ended.Code, Saga: e.Saga})
}

// recent is how long after its end an outcome is still told.
const recent = 10 * time.Minute

// told reports whether the room is to hear an outcome.
func (n *notifier) told(e stored, ended event.Ended) bool {
	switch {
	case n.w.Mutant == DuplicateHeard:
		return true
	case !ended.Code.Heard():
		return false
	case ended.Status, ended.Code == event.CodeUserExists, n.w.Mutant == ContradictHeard:
		return true
	}
	_, completed := n.find(e.User, event.TypeCompleted)
	return !completed
}

// find returns a user's last event of a type, if it is recent.
func (n *notifier) find(user string, t event.Type) (stored, bool) {
	e, ok := n.w.history.latest(func(e stored) bool { return e.User == user && e.Type == t })
	return e, ok && n.w.now.Sub(e.At) <= recent
}

// before returns the outcome that a client hears when it joins.
func (n *notifier) before(user string) (stored, bool) {
	if e, ok := n.find(user, event.TypeCompleted); ok {
		return e, true
	}
	failed, ok := n.find(user, event.TypeFailed)
	if !ok {
		return stored{}, false
	}
	if body := failed.Body.(event.Ended); !body.Code.Heard() { //nolint:errcheck // failed
		i := n.w.history.place(event.Key{User: user, Saga: body.Of})
		if i < 0 || !n.w.history.events[i].Type.Terminal() {
			return stored{}, false
		}
		failed = n.w.history.events[i]
		if !failed.Body.(event.Ended).Code.Heard() { //nolint:errcheck // terminal
			return stored{}, false
		}
	}
	begun, ok := n.w.history.latest(func(e stored) bool { return e.User == user && e.Type == event.TypeTokenVerified })
	if !ok || begun.Sequence < failed.Sequence {
		return failed, true
	}
	last := n.w.history.events[n.w.history.place(begun.Key)]
	return failed, last.Type.Terminal()
}
