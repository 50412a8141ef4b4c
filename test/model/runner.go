package model

import (
	"github.com/create-user/create-user/pkg/event"
)

// This file is the model of package saga's runner: what it does with one delivery,
// in the order in which it does it. TestRunner_DoesWhatTheModelDoes compares the two.

// cause is why a handler returned no event.
type cause string

const (
	fine        cause = ""
	rejected    cause = "rejected"
	unavailable cause = "unavailable"
	odd         cause = "odd"
	panicked    cause = "panicked"
	poison      cause = "poison"
	tooOften    cause = "too often"
	tooLate     cause = "late"
)

// result is what a handler made of an event.
type result struct {
	next  event.Body // nil: the step appends nothing
	cause cause
	code  event.Code // rejected
	of    string     // rejected as a duplicate
}

func reject(code event.Code) result { return result{cause: rejected, code: code} }

// answer is what an append came to, as its writer sees it.
type answer string

const (
	isStored answer = "stored"
	moved    answer = "moved" // the expectation did not hold
	unclear  answer = "unclear"
	gone     answer = "gone" // nothing is there to append behind
)

// DeliveryLimit is how often an event is delivered before it is dead-lettered.
const DeliveryLimit = 4

// lateDeliveries is how often an event may have been delivered when its deadline has
// passed without being dead-lettered.
const lateDeliveries = 3

// handle returns what the handler makes of the event, or what stands in the way of
// calling it.
func (h *hand) handle() result {
	switch {
	case h.unread:
		return result{cause: poison}
	case h.invalid:
		return reject(event.CodeInvalidRequest)
	case h.mayFail() && (h.delivery > DeliveryLimit || h.lateAtOnce) && h.w.Mutant != NoLimit:
		return result{cause: tooOften}
	case h.mayFail() && h.late():
		return result{cause: tooLate}
	}
	r := h.rule()
	h.note("handle " + r.describe())
	return r
}

func (r result) describe() string {
	if r.cause == rejected {
		return string(r.cause) + " " + string(r.code)
	}
	return string(r.cause)
}

// settle carries out what follows from a result. It reports whether the event is
// out of hand.
func (h *hand) settle(r result) bool {
	switch {
	case r.cause == fine:
		if h.w.Mutant == AckBeforeAppend {
			h.tell("ack")
		}
		return h.conclude(r.next)
	case r.cause == poison, r.cause == panicked, r.cause == tooOften:
		return h.bury(r.cause)
	case h.mayFail() && r.cause == rejected:
		ended := h.failed(r.code)
		ended.Of = r.of
		return h.conclude(ended)
	case h.mayFail() && h.late():
		return h.conclude(h.failed(event.CodeDeadlineExceeded))
	case r.cause == unavailable:
		return false
	case h.mayFail() && h.delivery >= DeliveryLimit && h.w.Mutant != NoLimit:
		return h.bury(tooOften)
	case h.w.Mutant == RetryBlocks:
		h.pause()
		return false
	}
	h.tell("nak")
	return true
}

func (h *hand) failed(code event.Code) event.Ended {
	id := ""
	if h.Body != nil {
		id = h.Body.UserID()
	}
	return event.NewEnded(id, h.step.Name, code)
}

// conclude appends and settles. It reports whether the event is out of hand.
func (h *hand) conclude(b event.Body) bool {
	switch h.finish(b) {
	case isStored:
		if h.w.Mutant == EffectAfter && h.Type == event.TypeEncrypted {
			h.write(h.Body.(event.Encrypted)) //nolint:errcheck // the type stands above
		}
		h.tell("ack")
		return true
	case gone:
		h.tell("nak")
		return true
	}
	return false
}

// finish appends, and finds out what it means when that is lost.
func (h *hand) finish(b event.Body) answer {
	if b == nil {
		return isStored
	}
	a := h.append(b)
	switch {
	case a == isStored, h.w.Mutant == LostIsStored && a == unclear:
		return isStored
	case h.w.Mutant == LostIsFailure && a == unclear && h.mayFail():
		return h.append(h.failed(event.CodeProcessingError))
	}
	return h.resolve(b)
}

// resolveTries is how often an append whose place is still free is tried again.
const resolveTries = 3

// resolve decides what a lost append means, by the saga's last event.
func (h *hand) resolve(b event.Body) answer {
	for range resolveTries {
		last, sequence, a := h.position()
		switch {
		case a == gone && h.after() == 0, a == isStored && sequence <= h.after():
			a = h.append(b)
		case a == isStored && last == event.TypeFailed:
			return h.undo()
		}
		if a != moved {
			return a
		}
	}
	return moved
}

// bury keeps the message as a dead letter, ends its saga where that is still
// allowed, and takes the message off its consumer.
func (h *hand) bury(why cause) bool {
	if !h.buried && h.w.Mutant != LetterDropped {
		if !h.keep(why) {
			return false
		}
		h.buried = true
	}
	if h.mayFail() && h.User != event.UnknownUser && h.w.Mutant != LetterNotEnded {
		a := h.finish(h.failed(event.CodeProcessingError))
		if a == moved || a == unclear || a == gone && !h.late() {
			return false
		}
	}
	h.tell("term")
	return true
}

// undo takes back the step's effect for a saga that has failed.
func (h *hand) undo() answer {
	if h.unread || h.invalid || h.w.Mutant == NoUndo {
		return isStored
	}
	h.undoing = true
	defer func() { h.undoing = false }()
	done, undoes := fine, true
	switch body := h.Body.(type) {
	case event.TokenVerified:
		done = h.release(body.ID, h.Saga)
	case event.Encrypted:
		done = h.remove(body.ID)
	default:
		undoes = false
	}
	switch {
	case !undoes:
		return isStored
	case done == fine:
		h.note("undo done")
		return isStored
	}
	h.note("undo failed")
	return unclear
}
