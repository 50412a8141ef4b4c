package model

import (
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// Chooser makes every choice of a run: the same choices, the same run.
type Chooser interface {
	// Pick returns one of 0 to n-1. label names the choice in a report.
	Pick(label string, n int) int
}

// Options are what a run is made of. Zero values are usable, except Chooser.
type Options struct {
	Chooser
	Mutant Mutant
	Codes  Codes // nil: the model of them
	Users  Users // nil: the model of them
	// Record is handed every delivery that was settled. Nil: nobody needs it.
	Record func(Delivery)
}

// part is something that a step depends on.
type part string

const (
	keys     part = "keys that verify tokens"
	redis    part = "Redis"
	soap     part = "encryption service"
	database part = "database"
)

func parts() []part { return []part{keys, redis, soap, database} }

// World is a simulated system: the streams, the processes, and who surrounds them.
// It is used by one goroutine.
type World struct {
	Options
	began time.Time
	now   time.Time
	storm bool // faults happen

	people  []*person
	history history
	inbox   inbox
	letters []letter
	tasks   []*task
	hands   []*hand

	watchdogs []*watchdog
	notifiers []*notifier

	away   map[part]bool
	down   map[string]bool    // steps whose service does not run
	full   bool               // the event store takes nothing
	lapses map[event.Key]bool // sagas whose claim only time frees; see leaveBehind
	stood  map[event.Key]bool // sagas that found a row which is there to stay
	reach  Reach
	broken []invariants.Violation // found on the way
}

// Reach counts what a run went through, so that a test can tell that the runs reach
// what they are to show.
type Reach struct {
	Ends                                 map[event.Code]int
	Deliveries, Crashes, Moved, Replayed int
}

// New returns a world in which nothing has happened.
func New(o Options) *World {
	users := newUserTable(o.Mutant)
	if o.Users == nil {
		o.Users = users
	}
	if o.Codes == nil {
		o.Codes = newCodeTable(o.Mutant)
	}
	w := &World{
		Options: o, now: time.Unix(1_800_000_000, 0).UTC(), lapses: map[event.Key]bool{}, stood: map[event.Key]bool{},
		history: history{last: map[event.Key]uint64{}},
		inbox:   inbox{seen: map[string]bool{}},
		away:    map[part]bool{}, down: map[string]bool{},
		reach: Reach{Ends: map[event.Code]int{}},
	}
	for range 2 {
		w.watchdogs = append(w.watchdogs, &watchdog{w: w, open: map[event.Key]stored{}})
		w.notifiers = append(w.notifiers, &notifier{w: w})
	}
	w.began = w.now
	return w
}

// chance says yes, in a storm, in one of n cases.
func (w *World) chance(label string, n int) bool { return w.storm && w.Pick(label, n) == n-1 }

// pass lets time pass.
func (w *World) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.Codes.Pass(d)
}

// offer opens a message to the consumers of its type.
func (w *World) offer(e stored) {
	for _, s := range event.Path() {
		if s.Name == event.StepNotifier {
			continue // it follows the event store
		}
		for _, t := range s.Consumes {
			if t == e.Type {
				w.tasks = append(w.tasks, &task{stored: e, step: s})
			}
		}
	}
}

// store appends an event, with rule 1 or as a mutant does. It reports whether it is
// stored.
func (w *World) store(e stored, after uint64) bool {
	e.At = w.now
	if w.full {
		if w.Mutant != StoreDropsOld || len(w.history.events) == 0 {
			return false
		}
		w.forget(w.history.dropOldest())
	}
	e, ok := w.history.put(e, after)
	if ok {
		w.offer(e)
	}
	return ok
}

// forget loses what consumers were to be handed of an event.
func (w *World) forget(e stored) {
	for _, t := range w.tasks {
		if t.Type == e.Type && t.Key == e.Key && t.deliveries == 0 {
			t.settled = true
		}
	}
}

// leaveBehind notes a process that is killed, or gives up, between its effect and
// its undoing, when its message has been settled by another: nobody undoes it. A
// tombstone refuses its row; its claim lapses, and whoever needs the code before
// releases it.
func (w *World) leaveBehind(h *hand) {
	i := w.history.place(h.Key)
	if h.claimed && (h.settled || i >= 0 && w.history.events[i].Type == event.TypeFailed) {
		w.lapses[h.Key] = true
	}
}

// blame notes a violation that was found on the way.
func (w *World) blame(rule, id, saga, detail string) {
	w.broken = append(w.broken, invariants.Violation{Rule: rule, Class: invariants.Wrong, ID: id, Saga: saga, Detail: detail})
}

// Close ends what is still in hand.
func (w *World) Close() {
	for _, h := range w.hands {
		h.crash()
	}
	w.hands = nil
}
