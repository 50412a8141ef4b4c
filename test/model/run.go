package model

import (
	"fmt"
	"slices"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// stormTime bounds a storm: an outcome is told for ten minutes to who was cut off.
const stormTime = 5 * time.Minute

// Run lets a world suffer, heals it, lets it come to rest, and judges it.
func (w *World) Run() *World {
	defer w.Close()
	for range 1 + w.Pick("people", 3) {
		w.settleIn()
	}
	w.storm = true
	for range 10 + w.Pick("moments", 200) {
		w.moment()
	}
	if w.Pick("all deadlines pass", 4) == 3 {
		w.deadlines()
	}
	w.heal()
	w.rest()
	w.operate()
	w.rest()
	w.judge()
	return w
}

// moment is one thing that happens.
func (w *World) moment() {
	switch w.Pick("moment", 24) {
	default:
		w.goOn()
	case 9, 10, 11, 12:
		w.deliver()
	case 13, 14:
		w.submit()
	case 15:
		w.kill()
	case 16:
		w.tick()
	case 17:
		w.watchdogs[w.Pick("watchdog", 2)].see()
	case 18:
		d := w.watchdogs[w.Pick("watchdog", 2)]
		if late := d.late(); len(late) > 0 {
			d.fail(late[w.Pick("late", len(late))])
		}
	case 19:
		w.notifiers[w.Pick("notifier", 2)].next()
	case 20:
		w.rejoin()
	case 21:
		if p := parts()[w.Pick("part", len(parts()))]; len(w.away) == 0 {
			w.away[p] = true
		} else {
			clear(w.away)
		}
	case 22:
		w.breakdown()
	case 23:
		if len(w.letters) > 0 {
			// Past the pivot an operator waits until the message is off its consumer.
			if l := &w.letters[w.Pick("letter", len(w.letters))]; !l.replayed && l.Type.BeforePivot() {
				w.replay(l)
			}
		}
	}
}

// tick lets some time pass, seldom: most sagas are to get past more than one step.
func (w *World) tick() {
	d := []time.Duration{time.Second, 30 * time.Second, 70 * time.Second}[w.Pick("time", 3)]
	if w.Pick("passes", 3) == 2 && w.now.Sub(w.began) < stormTime {
		w.pass(d)
	}
}

// breakdown stops a service or fills a stream, or mends what is broken.
func (w *World) breakdown() {
	path := event.Path()
	i := w.Pick("breakdown", len(path)+2)
	switch {
	case w.full || w.inbox.full || len(w.down) > 0:
		w.mend()
	case i == len(path):
		w.full = true
	case i == len(path)+1:
		w.inbox.full = true
	default:
		w.down[path[i].Name] = true
	}
}

func (w *World) mend() {
	w.full, w.inbox.full = false, false
	clear(w.down)
}

// rejoin restarts a notifier, or lets a client that was cut off join again.
func (w *World) rejoin() {
	n := w.notifiers[w.Pick("notifier", 2)]
	for _, p := range w.people {
		if p.notifier == nil {
			n.join(p)
			return
		}
	}
	n.restart()
}

// submit publishes something that its publisher does not know to be stored.
func (w *World) submit() {
	var open []*submission
	for _, p := range w.people {
		for _, s := range p.submissions {
			if !s.acked {
				open = append(open, s)
			}
		}
	}
	if len(open) > 0 {
		w.publish(open[w.Pick("submission", len(open))])
	}
}

// handsAtOnce bounds the deliveries of one step that are in hand.
const handsAtOnce = 2

// deliver delivers a message, again perhaps, even while it is in another hand: its
// ack wait has ended.
func (w *World) deliver() {
	var fit []*task
	for _, t := range w.tasks {
		if !t.settled && !w.down[t.step.Name] && w.busy(t.step.Name) < handsAtOnce {
			fit = append(fit, t)
		}
	}
	if len(fit) > 0 {
		w.reach.Deliveries++
		w.advance(w.take(fit[w.Pick("delivery", len(fit))]))
	}
}

func (w *World) busy(step string) int {
	n := 0
	for _, h := range w.hands {
		if h.step.Name == step {
			n++
		}
	}
	return n
}

// goOn lets one process go on to its next moment.
func (w *World) goOn() {
	if len(w.hands) > 0 {
		w.advance(w.hands[w.Pick("hand", len(w.hands))])
	}
}

// kill kills a process with a delivery in hand.
func (w *World) kill() {
	if len(w.hands) > 0 {
		h := w.hands[w.Pick("killed", len(w.hands))]
		w.reach.Crashes++
		w.leaveBehind(h)
		h.crash()
		w.drop(h)
	}
}

// advance reports whether the delivery is still in hand.
func (w *World) advance(h *hand) bool {
	if _, open := h.resume(); open {
		return true
	}
	w.drop(h)
	return false
}

func (w *World) drop(h *hand) {
	w.hands = slices.DeleteFunc(w.hands, func(v *hand) bool { return v == h })
}

// deadlines lets every deadline pass while nothing but a watchdog and the event
// store works. Then no saga before its pivot may be open.
func (w *World) deadlines() {
	w.pass(deadline + time.Second)
	w.full = false
	storm := w.storm
	w.storm = false
	d := w.watchdogs[w.Pick("watchdog", 2)]
	for d.see() {
	}
	for _, e := range d.late() {
		d.fail(e)
	}
	w.storm = storm
	for k, sequence := range w.history.last {
		e := w.history.events[w.history.place(k)]
		if e.Sequence == sequence && e.Type.BeforePivot() && w.now.After(e.Deadline) {
			w.blame("deadline", e.Body.UserID(), k.Saga, fmt.Sprintf("it is open after %s, past its deadline", e.Type))
		}
	}
}

// heal ends the storm: everything is back, and every client listens.
func (w *World) heal() {
	w.storm = false
	w.mend()
	clear(w.away)
	for _, p := range w.people {
		if p.notifier == nil {
			w.notifiers[0].join(p)
		}
		for _, s := range p.submissions {
			if !s.acked {
				w.publish(s)
			}
		}
	}
}

const (
	restRounds = 60 // many more than any saga needs
	patience   = 64 // moments that one delivery may need
)

// rest lets everything that is open come to its end. No time passes: nothing may
// need a deadline to end, now that nothing is away.
func (w *World) rest() {
	for range restRounds {
		for _, h := range slices.Clone(w.hands) {
			w.finish(h)
		}
		w.tasks = slices.DeleteFunc(w.tasks, func(t *task) bool { return t.settled })
		for _, t := range slices.Clone(w.tasks) {
			if !t.settled && w.busy(t.step.Name) == 0 {
				w.finish(w.take(t))
			}
		}
		for _, n := range w.notifiers {
			for n.next() {
			}
		}
		if len(w.tasks)+len(w.hands) == 0 {
			return
		}
	}
}

func (w *World) finish(h *hand) {
	for range patience {
		if !w.advance(h) {
			return
		}
	}
}

// operate replays dead letters as an operator does: some of those whose sagas have
// failed, and all of those past the pivot, which only a replay ends.
func (w *World) operate() {
	for i := range w.letters {
		if l := &w.letters[i]; !l.replayed && (l.Type == event.TypeCreated || w.Pick("is replayed", 2) == 1) {
			w.replay(l)
		}
	}
}

// must stops a run whose parts do not work as parts of a simulation must.
func (w *World) must(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic(err)
		}
	}
}
