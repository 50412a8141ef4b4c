package invariants

import (
	"slices"

	"github.com/create-user/create-user/pkg/event"
)

// heard checks what the user's client heard against what is stored.
func (j *judge) heard(a *account) {
	success := false
	for _, h := range j.facts.Heard[a.ID] {
		s := a.saga(h.Saga)
		switch {
		case s == nil || s.ended == nil:
			j.blame("heard", Wrong, a.ID, h.Saga, "heard %s, of a saga that has no end", h.Code)
		case h != outcomeOf(s):
			j.blame("heard", Wrong, a.ID, h.Saga, "heard %s %t %q, stored is %s", h.Code, h.Status, h.Message, s.ended.Code)
		case !h.Code.Heard():
			j.blame("heard", Wrong, a.ID, h.Saga, "heard %s", h.Code)
		case success && !h.Status && h.Code != event.CodeUserExists:
			j.blame("heard", Doubled, a.ID, h.Saga, "heard %s after the success", h.Code)
		}
		success = success || h.Status
	}
	if s := standing(a); s != nil && !a.Deaf && !j.told(a, s) {
		j.blame("unheard", Unheard, a.ID, s.Saga, "%s was not heard", s.ended.Code)
	}
}

// told reports whether the user's client heard the end of a saga.
func (j *judge) told(a *account, s *story) bool {
	return slices.Contains(j.facts.Heard[a.ID], outcomeOf(s))
}

// standing returns the saga whose outcome a user must have heard: the one that
// created the user, or else the last that ended. Those before it are heard by
// clients that were connected; it supersedes them for the others.
func standing(a *account) *story {
	if s := a.completed(); s != nil {
		return s
	}
	var last *story
	for _, s := range a.sagas {
		if s.ended != nil && s.ended.Code.Heard() && (last == nil || s.endSeq > last.endSeq) {
			last = s
		}
	}
	return last
}

func outcomeOf(s *story) Outcome {
	return Outcome{Message: s.ended.Message, Status: s.ended.Status, Code: s.ended.Code, Saga: s.Saga}
}
