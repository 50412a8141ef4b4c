package model

import (
	"iter"

	"github.com/create-user/create-user/pkg/event"
)

// task is a message as one step's consumer sees it.
type task struct {
	stored
	step       event.Step
	deliveries int
	settled    bool // acked or terminated: it does not come again
}

// hand is one delivery in some process's hand. It is a coroutine that stops before
// everything which another process, or a crash, may come before.
type hand struct {
	*task
	w        *World
	delivery int  // which one of the task's
	buried   bool // its dead letter is kept
	undoing  bool // it takes back the step's effect
	claimed  bool // it has claimed a code
	misled   bool // a replica that lags has answered it
	// lateAtOnce: it had been delivered often when it came, and its deadline had passed.
	lateAtOnce bool
	resume     func() (struct{}, bool)
	crash      func() // nothing more is done, and nothing is told

	yield func(struct{}) bool
	trace []string // of all that the runner asks for, with the answers; see Record
	lates [2]bool  // the deadline was found ahead, and found passed
}

// crashed ends a coroutine whose process is gone.
type crashed struct{}

// take puts a task in a hand.
func (w *World) take(t *task) *hand {
	t.deliveries++
	h := &hand{task: t, w: w, delivery: t.deliveries}
	h.lateAtOnce = h.mayFail() && h.delivery > lateDeliveries && h.late()
	h.resume, h.crash = iter.Pull(h.life)
	w.hands = append(w.hands, h)
	return h
}

// life is all that becomes of a delivery.
func (h *hand) life(yield func(struct{}) bool) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(crashed); !ok {
				panic(p)
			}
		}
	}()
	h.yield = yield
	for settled := false; !settled; {
		settled = h.settle(h.handle())
		if !settled {
			h.note("hold")
		}
	}
	h.w.record(h)
}

// pause lets others come before what follows.
func (h *hand) pause() {
	if !h.yield(struct{}{}) {
		panic(crashed{})
	}
}

// note writes down one step of the runner for the conformance test.
func (h *hand) note(what string) {
	if h.w.Record != nil {
		h.trace = append(h.trace, what)
	}
}

// mayFail reports whether the saga may still fail at this step.
func (h *hand) mayFail() bool {
	return h.Type.BeforePivot() || h.w.Mutant == FailPastPivot && h.Type == event.TypeCreated
}

// after is the sequence that the next event follows.
func (h *hand) after() uint64 {
	if h.Type == event.TypeRequested {
		return 0
	}
	return h.Sequence
}

func (h *hand) late() bool {
	late := h.w.now.After(h.Deadline)
	h.lates[index(late)] = true
	return late
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}
