package model

import (
	"github.com/create-user/create-user/pkg/event"
)

// This file is what a runner asks of NATS: each operation is one moment, before
// which anything may happen, and which may go wrong.

// append appends the event that follows the one in hand.
func (h *hand) append(b event.Body) answer {
	h.pause()
	a := h.tryAppend(b)
	if a == moved {
		h.w.reach.Moved++
	}
	what := string(b.EventType())
	if ended, ok := b.(event.Ended); ok {
		what += "/" + string(ended.Code)
	}
	h.note("append " + what + " " + string(a))
	return a
}

func (h *hand) tryAppend(b event.Body) answer {
	w := h.w
	e := stored{Key: h.Key, Type: b.EventType(), Body: b, Deadline: h.Deadline}
	lostRequest, lostAnswer := w.chance("append is lost", 12), false
	if !lostRequest {
		lostAnswer = w.chance("append's answer is lost", 12)
	}
	if lostRequest || w.full && w.Mutant != StoreDropsOld {
		return unclear // a full stream's refusal is an error like any other
	}
	switch w.Mutant {
	case AppendBlind:
		e.At = w.now
		w.offer(w.history.force(e))
	case AppendBehindLast:
		w.store(e, w.history.last[h.Key])
	default:
		if !w.store(e, h.after()) && !lostAnswer {
			return moved
		}
	}
	if lostAnswer {
		return unclear
	}
	return isStored
}

// position reads the type and sequence of the saga's last event. A replica that
// lags answers with an earlier one, or with none.
func (h *hand) position() (event.Type, uint64, answer) {
	h.pause()
	t, sequence, a := h.readPosition()
	says := string(a)
	switch {
	case a == isStored && sequence <= h.after():
		says = "same"
	case a == isStored:
		says = string(t)
	}
	h.note("last " + says)
	return t, sequence, a
}

func (h *hand) readPosition() (event.Type, uint64, answer) {
	w := h.w
	if w.chance("read fails", 12) {
		return "", 0, unclear
	}
	events := w.history.of(h.Key)
	if len(events) > 0 && w.chance("replica lags", 12) {
		events, h.misled = events[:len(events)-1], true
	}
	if len(events) == 0 {
		return "", 0, gone
	}
	last := events[len(events)-1]
	return last.Type, last.Sequence, isStored
}

// tell tells the server what became of the message. The word may get lost.
func (h *hand) tell(word string) {
	h.pause()
	h.note(word)
	if word == "nak" || h.misled {
		h.w.leaveBehind(h)
	}
	if h.w.chance("the word is lost", 8) {
		return
	}
	if word != "nak" {
		h.settled = true
	}
}

// letter is a dead letter.
type letter struct {
	stored
	step     string
	why      cause
	replayed bool
}

// keep stores the message as a dead letter: one, however often it is buried.
func (h *hand) keep(why cause) bool {
	h.pause()
	w := h.w
	if w.chance("dead letter is not kept", 8) {
		h.note("keep failed")
		return false
	}
	h.note("keep done")
	for _, l := range w.letters {
		if l.Key == h.Key && l.step == h.step.Name && l.Sequence == h.Sequence {
			return true
		}
	}
	w.letters = append(w.letters, letter{stored: h.stored, step: h.step.Name, why: why})
	return true
}

// replay begins a new attempt with the message of a dead letter, unless its saga has
// completed after its message was kept, because the word that takes it off its
// consumer got lost.
func (w *World) replay(l *letter) {
	if l.why == poison || l.Type.Terminal() {
		return // refused: it would fail again, or undo nothing
	}
	if i := w.history.place(l.Key); i >= 0 && w.history.events[i].Type == event.TypeCompleted && w.Mutant != ReplayCompleted {
		return
	}
	l.replayed = true
	w.reach.Replayed++
	e := l.stored
	e.Deadline = w.now.Add(deadline)
	if w.Mutant == ReplayInPlace {
		e.At = w.now
		w.offer(w.history.force(e))
		return
	}
	base, n := event.SplitAttempt(l.Saga)
	for {
		n++
		e.Saga = event.AttemptID(base, n)
		if w.history.last[e.Key] == 0 {
			break
		}
	}
	if e.Type == event.TypeRequested {
		w.inbox.put(w, e)
	} else {
		w.store(e, 0)
	}
}
