package saga

import (
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// Observer is told what the runner of one step does, for metrics. Several
// goroutines call it at once, in the middle of their work: it must be safe for
// that, and quick.
type Observer interface {
	// Taken: events came in hand, of which again had been delivered before.
	Taken(events, again int)
	// Handled: one call of the handler, with this many events, took that long.
	Handled(events int, took time.Duration)
	// Settled: an event went out of hand.
	Settled(how Settlement)
	// Held: this many events more (or fewer, below zero) are held in hand because
	// something they need is away.
	Held(change int)
	// Appended: an event was stored, and this process was told so. No other
	// process is told of the same event, so sums over all of them count each once. One
	// whose acknowledgement was lost nobody is told of.
	Appended(a Appended)
	// DeadLettered: a message was kept as a dead letter.
	DeadLettered(reason event.Reason)
}

// Settlement is how an event went out of hand.
type Settlement string

// The settlements.
const (
	SettledNext       Settlement = "next"        // handled; the next event, if there is one, is stored
	SettledFailed     Settlement = "failed"      // the step ended the saga
	SettledSuperseded Settlement = "superseded"  // the saga had failed meanwhile
	SettledDeadLetter Settlement = "dead_letter" // kept as a dead letter
	SettledRetry      Settlement = "retry"       // to be delivered again, later
	SettledReleased   Settlement = "released"    // given back unhandled: at a stop, or to come one by one
)

// Settlements returns every settlement.
func Settlements() []Settlement {
	return []Settlement{SettledNext, SettledFailed, SettledSuperseded, SettledDeadLetter, SettledRetry, SettledReleased}
}

// Appended is an event that was stored.
type Appended struct {
	Type      event.Type
	Code      event.Code    // of the outcome, when the event ends its saga
	First     bool          // it begins its saga
	Hop       time.Duration // since the event before it was stored
	Requested time.Time     // when the saga's request was stored; zero when that is not known
}

// unobserved is the observer of a step that nobody observes.
type unobserved struct{}

func (unobserved) Taken(int, int)             {}
func (unobserved) Handled(int, time.Duration) {}
func (unobserved) Settled(Settlement)         {}
func (unobserved) Held(int)                   {}
func (unobserved) Appended(Appended)          {}
func (unobserved) DeadLettered(event.Reason)  {}

// observeTaken tells of what was taken.
func (r *runner[In, Out]) observeTaken(taken []*message[In]) {
	if len(taken) == 0 {
		return
	}
	again := 0
	for _, m := range taken {
		if m.Delivery > 1 {
			again++
		}
	}
	r.observer.Taken(len(taken), again)
}

// observeAppend tells of an append that was acknowledged to this runner, and
// returns what that means for the event it follows.
func (r *runner[In, Out]) observeAppend(a appending[In]) Settlement {
	if a.m.appended {
		r.observer.Appended(Appended{
			Type: a.meta.Type, Code: a.code, First: a.m.after == 0, Hop: max(0, time.Since(a.m.stored)), Requested: a.meta.Requested,
		})
	}
	if a.meta.Type == event.TypeFailed {
		return SettledFailed
	}
	return SettledNext
}
