package invariants

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/create-user/create-user/pkg/event"
)

// story is the history of one saga.
type story struct {
	event.Key
	events []Event
	ended  *event.Ended // nil while it is open
	endSeq uint64
}

func (s *story) completed() bool { return s.ended != nil && s.ended.Status }

// account is all that concerns one user.
type account struct {
	Registration
	sagas []*story // in the order of their first events
}

// saga returns the user's saga with an id, or nil.
func (a *account) saga(id string) *story {
	i := slices.IndexFunc(a.sagas, func(s *story) bool { return s.Saga == id })
	if i < 0 {
		return nil
	}
	return a.sagas[i]
}

// completed returns the saga that created the user, or nil.
func (a *account) completed() *story {
	i := slices.IndexFunc(a.sagas, (*story).completed)
	if i < 0 {
		return nil
	}
	return a.sagas[i]
}

// judge collects violations.
type judge struct {
	facts Facts
	found []Violation
}

func (j *judge) blame(rule string, c Class, id, saga, format string, args ...any) {
	j.found = append(j.found, Violation{Rule: rule, Class: c, ID: id, Saga: saga, Detail: fmt.Sprintf(format, args...)})
}

// Check returns every violation of the invariants, none when all hold. What it
// is given must have come to rest.
func Check(f Facts) []Violation {
	j := &judge{facts: f}
	for _, a := range j.accounts() {
		for _, s := range a.sagas {
			j.order(a, s)
			j.outcome(a, s)
		}
		j.requests(a)
		j.once(a)
		j.row(a)
		j.code(a)
		j.heard(a)
	}
	for _, l := range f.DeadLetters {
		j.blame("dead letter", Wrong, l.User, l.Saga, "step %s gave up after %d deliveries: %s %q", l.Step, l.Deliveries, l.Reason, l.Errors)
	}
	return j.found
}

// Silent returns the users whose client has not heard the outcome that stands,
// among facts that may not have come to rest yet.
func Silent(f Facts) []string {
	j := &judge{facts: f}
	var ids []string
	for _, a := range j.accounts() {
		if s := standing(a); s != nil && !a.Deaf && !j.told(a, s) {
			ids = append(ids, a.ID)
		}
	}
	return ids
}

// accounts sorts the events by user and saga.
func (j *judge) accounts() []*account {
	list := make([]*account, 0, len(j.facts.Registrations))
	byUser := make(map[string]*account, len(j.facts.Registrations))
	for _, r := range j.facts.Registrations {
		a := &account{Registration: r}
		list = append(list, a)
		byUser[event.UserHash(r.ID)] = a
	}
	stories := map[event.Key]*story{}
	for _, e := range j.facts.Events {
		a := byUser[e.User]
		if a == nil {
			j.blame("order", Wrong, e.User, e.Saga, "an event %s of a user who never asked", e.Type)
			continue
		}
		s := stories[e.Key]
		if s == nil {
			s = &story{Key: e.Key}
			stories[e.Key] = s
			a.sagas = append(a.sagas, s)
		}
		s.events = append(s.events, e)
		if e.Type.Terminal() && s.ended == nil {
			s.ended, s.endSeq = new(event.Ended), e.Sequence
			if err := json.Unmarshal(e.Data, s.ended); err != nil {
				j.blame("order", Wrong, a.ID, s.Saga, "its end cannot be read")
			}
		}
	}
	return list
}

// order checks a history against the path: what each event may be followed by,
// and that it ends once and stays ended.
func (j *judge) order(a *account, s *story) {
	next := successors()
	first := s.events[0].Type
	if _, attempt := event.SplitAttempt(s.Saga); attempt == 0 && first != event.TypeTokenVerified && first != event.TypeFailed {
		j.blame("order", Wrong, a.ID, s.Saga, "the history begins with %s", first)
	}
	for i, e := range s.events[1:] {
		before := s.events[i].Type
		switch {
		case before.Terminal():
			j.blame("ended", Doubled, a.ID, s.Saga, "%s follows %s", e.Type, before)
		case !slices.Contains(next[before], e.Type):
			j.blame("order", Wrong, a.ID, s.Saga, "%s follows %s", e.Type, before)
		}
	}
	if s.ended == nil {
		j.blame("ended", Lost, a.ID, s.Saga, "the history stops at %s", s.events[len(s.events)-1].Type)
	}
}

// successors returns what may follow each event.
func successors() map[event.Type][]event.Type {
	next := map[event.Type][]event.Type{}
	for _, step := range event.Path() {
		for _, t := range step.Consumes {
			if step.Appends != "" {
				next[t] = append(next[t], step.Appends)
			}
			if t.BeforePivot() {
				next[t] = append(next[t], event.TypeFailed)
			}
		}
	}
	return next
}

// outcome checks how a saga ended.
func (j *judge) outcome(a *account, s *story) {
	e := s.ended
	if e == nil {
		return
	}
	last := s.events[len(s.events)-1].Type
	switch {
	case e.ID != a.ID && (e.ID != "" || e.Step != event.StepWatchdog):
		j.blame("outcome", Wrong, a.ID, s.Saga, "the end names another user")
	case e.Message != e.Code.Message() || e.Status != (e.Code == event.CodeCreated) || last.Terminal() && e.EventType() != last:
		j.blame("outcome", Wrong, a.ID, s.Saga, "the end contradicts itself: %s, %s, status %t", last, e.Code, e.Status)
	case e.Code == event.CodeDuplicateRequest:
		j.duplicate(a, s)
	case !slices.Contains(a.Ends, e.Code):
		j.blame("outcome", Wrong, a.ID, s.Saga, "ended with %s by %s, want %v", e.Code, e.Step, a.Ends)
	}
}

// duplicate checks that a saga which calls itself a duplicate is one.
func (j *judge) duplicate(a *account, s *story) {
	of := a.saga(s.ended.Of)
	switch {
	case of == nil || of == s:
		j.blame("duplicate", Wrong, a.ID, s.Saga, "a duplicate of saga %q, which the user has not", s.ended.Of)
	case of.ended != nil && of.ended.Code == event.CodeDuplicateRequest:
		j.blame("duplicate", Wrong, a.ID, s.Saga, "a duplicate of the duplicate %s", of.Saga)
	}
}
