package model

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// Violations returns what does not hold of the world at rest.
func (w *World) Violations() []invariants.Violation { return w.broken }

// Reach returns what the run went through.
func (w *World) Reach() Reach { return w.reach }

// judge holds the world at rest against the invariants: those that every test
// shares, and those that only a simulation can see.
func (w *World) judge() {
	w.progress()
	for _, v := range invariants.Check(w.facts()) {
		if v.Rule != "ended" || !w.replayedPastPivot(v.Saga) {
			w.broken = append(w.broken, v)
		}
	}
	for _, p := range w.people {
		w.judgeRow(p)
		for _, k := range w.sagasOf(p) {
			w.judgeEnd(p, k)
		}
		if p.deaf && !slices.ContainsFunc(w.letters, func(l letter) bool { return l.Saga == p.submissions[0].msgID }) {
			w.blame("kept", p.id, p.submissions[0].msgID, "the request cannot be read, and no dead letter holds it")
		}
	}
}

// progress checks that nothing is left to be done, and whether it is its own fault.
func (w *World) progress() {
	waits := map[event.Key]bool{}
	for _, t := range w.tasks {
		waits[t.Key] = true
		if p := w.who(t.Body.UserID()); p.cursed != "" {
			w.blame("progress", p.id, t.Saga, fmt.Sprintf("%s comes for ever, %d times so far", t.Type, t.deliveries))
		} else {
			w.blame("blocked", p.id, t.Saga, fmt.Sprintf("%s waits for ever", t.Type))
		}
	}
	for _, p := range w.people {
		for _, k := range w.sagasOf(p) {
			if i := w.history.place(k); i >= 0 && w.history.events[i].Type.BeforePivot() && !waits[k] {
				w.blame("progress", p.id, k.Saga, fmt.Sprintf("it is open after %s, and nobody is at it", w.history.events[i].Type))
			}
		}
	}
}

// replayedPastPivot reports whether a saga that has not ended goes on as another
// attempt: that of its dead letter past the pivot.
func (w *World) replayedPastPivot(saga string) bool {
	return slices.ContainsFunc(w.letters, func(l letter) bool { return l.Saga == saga && l.Type == event.TypeCreated && l.replayed })
}

// sagasOf returns a person's sagas, in the order in which they began.
func (w *World) sagasOf(p *person) []event.Key {
	var list []event.Key
	for _, e := range w.history.events {
		if e.User == p.user && !slices.Contains(list, e.Key) {
			list = append(list, e.Key)
		}
	}
	return list
}

// judgeRow checks what the shared invariants cannot see: that no saga wrote twice,
// and that a row which was there before is as it was.
func (w *World) judgeRow(p *person) {
	if p.foreign {
		if row, ok, err := w.Users.Find(context.Background(), p.id); err != nil || !ok || row != strangersRow(p) {
			w.blame("foreign row", p.id, "", "the row that stood before is not as it was")
		}
	}
	table, ok := w.Users.(*userTable)
	if !ok {
		return
	}
	for k, n := range table.inserts {
		if k.User == p.user && n > 1 {
			w.blame("written twice", p.id, k.Saga, fmt.Sprintf("the row was written %d times", n))
		}
	}
}

// judgeEnd checks that a saga's end has its reason.
func (w *World) judgeEnd(p *person, k event.Key) {
	i := w.history.place(k)
	if i < 0 {
		return
	}
	e := w.history.events[i]
	ended, ok := e.Body.(event.Ended)
	if !ok {
		return
	}
	w.reach.Ends[ended.Code]++
	switch ended.Code {
	case event.CodeDeadlineExceeded:
		if !e.At.After(e.Deadline) {
			w.blame("outcome", p.id, k.Saga, "the deadline is said to have passed, and has not")
		}
	case event.CodeUserExists:
		if !w.stood[k] {
			w.blame("exists", p.id, k.Saga, "the user is said to exist, and no row had stood that is there to stay")
		}
	case event.CodeProcessingError:
		if !slices.ContainsFunc(w.letters, func(l letter) bool { return l.Key == k }) {
			w.blame("kept", p.id, k.Saga, "it was given up, and no dead letter holds what could not be handled")
		}
	}
}

// facts returns all that can be seen of the world from outside.
func (w *World) facts() invariants.Facts {
	f := invariants.Facts{
		Rows: map[string]invariants.Row{}, Codes: map[string]string{}, Claims: map[string]string{},
		Heard: map[string][]invariants.Outcome{},
	}
	for _, p := range w.people {
		if p.deaf {
			continue // it has no saga; judge looks for its dead letter
		}
		f.Registrations = append(f.Registrations, w.registration(p))
		f.Heard[p.id] = p.heard
		row, ok, err := w.Users.Find(context.Background(), p.id)
		w.must(err)
		if ok && row.Key != strangersRow(p).Key {
			f.Rows[p.id] = rowOf(row)
		}
		code, claim := w.Codes.Stands(p.id)
		if code != "" {
			f.Codes[p.id] = code
		}
		if claim != "" && !w.replayedPastPivot(claim) && !w.lapses[event.Key{User: p.user, Saga: claim}] { // those lapse
			f.Claims[p.id] = claim
		}
	}
	for _, e := range w.history.events {
		data, err := json.Marshal(e.Body)
		w.must(err)
		f.Events = append(f.Events, invariants.Event{Key: e.Key, Type: e.Type, Sequence: e.Sequence, Data: data})
	}
	return f
}

func rowOf(u store.User) invariants.Row {
	return invariants.Row{Phone: u.Phone, Password: u.Password, Name: u.Name, Image: u.Image}
}

// registration says what was submitted for a person, and how it may end.
func (w *World) registration(p *person) invariants.Registration {
	r := invariants.Registration{ID: p.id, Code: p.code, Ends: slices.Clone(p.ends)}
	if len(p.submissions) > 5 {
		r.Code = "" // it is locked, if all tries were counted before their deadlines
	}
	for _, s := range p.submissions {
		i := slices.IndexFunc(r.Submissions, func(o invariants.Submission) bool { return o.Saga != "" && o.Saga == s.msgID })
		if i < 0 {
			r.Submissions = append(r.Submissions, invariants.Submission{Saga: s.msgID, Stored: s.stored, Attempts: s.attempts})
		}
	}
	for _, k := range w.sagasOf(p) {
		if base, n := event.SplitAttempt(k.Saga); n > 0 && strings.HasPrefix(base, madeID) {
			// A replay is an attempt more. It names none that anybody gave.
			r.Submissions = append(r.Submissions, invariants.Submission{Attempts: 1})
		}
		for _, e := range w.history.of(k) {
			if w.now.After(e.Deadline) {
				r.Ends = append(r.Ends, event.CodeDeadlineExceeded)
			}
			if w.stood[k] {
				r.Ends = append(r.Ends, event.CodeUserExists)
			}
		}
	}
	if p.unencrypted {
		r.Ends = append(r.Ends, event.CodeEncryptionFailed)
	}
	if slices.ContainsFunc(w.letters, func(l letter) bool { return l.User == p.user }) {
		r.Ends = append(r.Ends, event.CodeProcessingError)
	}
	return r
}
