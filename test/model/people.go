package model

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/test/chaos/invariants"
)

const (
	deadline   = 2 * time.Minute
	validToken = "valid"
	madeID     = "made-"       // begins the ids of sagas whose request names none
	dies       = cause("dies") // the handler's process, each time
)

// person is one user, and all that is submitted for it.
type person struct {
	id, code    string
	user        string // hash
	submissions []*submission
	ends        []event.Code // how it may end whatever happens; created, mostly
	refused     bool         // the encryption service refuses the values
	unencrypted bool         // it has refused some
	foreign     bool         // a row stands already
	deaf        bool         // no request of it can be read, so there is nothing to hear
	cursed      string       // the step whose handler never gets past it…
	curse       cause        // …but always does this

	notifier *notifier // whose client listens; nil: not connected
	heard    []invariants.Outcome
}

// submission is one request, published until the inbox has acknowledged it.
type submission struct {
	msgID    string
	request  stored
	acked    bool
	stored   bool
	attempts int
}

// kinds of people. The quietest come first.
const (
	valid = iota
	twiceSame
	twiceOther
	twiceNone
	twoAtOnce
	wrongThenRight
	manyWrong
	expired
	invalid
	unreadable
	unencryptable
	registered
	kinds
)

// move in a person. Their code stands, and nothing is submitted yet.
func (w *World) settleIn() {
	i := len(w.people)
	p := &person{id: fmt.Sprintf("user-%d", i), code: "right", ends: []event.Code{event.CodeCreated}}
	p.user = event.UserHash(p.id)
	w.people = append(w.people, p)
	w.must(w.Codes.Store(context.Background(), p.id, p.code, 0))
	w.plan(p, w.Pick("kind", kinds), fmt.Sprintf("s%d", i))
	switch w.Pick("curse", 12) {
	case 11:
		steps := []string{event.StepTokenVerifier, event.StepCodeChecker, event.StepEncryptor, event.StepUserWriter}
		p.cursed = steps[w.Pick("cursed step", len(steps))]
		p.curse = []cause{odd, dies, panicked}[w.Pick("curse is", 3)]
	}
	p.notifier = w.notifiers[w.Pick("listens to", len(w.notifiers))]
}

// plan plans what is submitted.
func (w *World) plan(p *person, kind int, saga string) {
	p.submit(saga, p.code)
	first := p.submissions[0]
	switch kind {
	case twiceSame:
		p.submissions = append(p.submissions, &submission{msgID: first.msgID, request: first.request})
	case twiceOther:
		p.submissions = append(p.submissions, &submission{msgID: saga + "-again", request: first.request})
	case twiceNone:
		first.msgID = ""
		p.submissions = append(p.submissions, &submission{request: first.request})
	case twoAtOnce:
		p.submit(saga+"-other", p.code)
	case wrongThenRight:
		first.request = p.request("wrong", saga)
		p.submit(saga+"-again", p.code)
		p.ends = append(p.ends, event.CodeIncorrect)
	case manyWrong:
		for i := range 6 {
			p.submit(fmt.Sprintf("%s-wrong%d", saga, i), "wrong")
		}
		p.ends = append(p.ends, event.CodeIncorrect, event.CodeLocked)
	case expired:
		first.request = p.request(p.code, saga)
		body := first.request.Body.(event.Requested) //nolint:errcheck // it is made so
		body.Token = "expired"
		first.request.Body = body
		p.ends = []event.Code{event.CodeSessionExpired}
	case invalid:
		first.request.invalid = true
		p.ends = []event.Code{event.CodeInvalidRequest}
	case unreadable:
		first.request.unread, first.request.User, p.deaf = true, event.UnknownUser, true
	case unencryptable:
		p.refused, p.ends = true, nil
	case registered:
		p.foreign, p.ends = true, nil
		_, err := w.Users.Insert(context.Background(), []store.User{strangersRow(p)})
		w.must(err)
	}
}

func strangersRow(p *person) store.User {
	return store.User{Key: store.Key{Saga: "stranger", User: p.user}, ID: p.id, Name: "Stranger"}
}

func (p *person) submit(saga, code string) {
	p.submissions = append(p.submissions, &submission{msgID: saga, request: p.request(code, saga)})
}

func (p *person) request(code, name string) stored {
	return stored{
		Key: event.Key{User: p.user}, Type: event.TypeRequested,
		Body: event.Requested{ID: p.id, Token: validToken, Code: code, Username: name},
	}
}

// who returns the person with an Id.
func (w *World) who(id string) *person {
	i := slices.IndexFunc(w.people, func(p *person) bool { return p.id == id })
	return w.people[i]
}

// curseOn returns what always becomes of a delivery, if anything. A new attempt is
// free of it.
func (w *World) curseOn(h *hand) cause {
	_, attempt := event.SplitAttempt(h.Saga)
	if attempt > 0 || h.undoing || h.Body == nil {
		return fine
	}
	p := w.who(h.Body.UserID())
	if p.cursed != h.step.Name {
		return fine
	}
	return p.curse
}

// inbox is the stream of requests.
type inbox struct {
	next uint64
	seen map[string]bool // message ids within the dedupe window, which no run outlives
	full bool
}

// put stores a request as the saga that its Key names, or else makes one. It
// reports whether the publisher is told that it is stored.
func (in *inbox) put(w *World, e stored) bool {
	if in.full {
		if w.Mutant != InboxDropsOld {
			return false
		}
		in.dropOldest(w)
	}
	if e.Saga != "" && in.seen[e.Saga] {
		return true
	}
	in.next++
	e.Sequence, e.At = in.next, w.now
	if e.Deadline.IsZero() {
		e.Deadline = w.now.Add(deadline)
	}
	if e.Saga == "" {
		e.Saga = fmt.Sprint(madeID, in.next)
	}
	in.seen[e.Saga] = true
	w.offer(e)
	return true
}

func (in *inbox) dropOldest(w *World) {
	for _, t := range w.tasks {
		if t.Type == event.TypeRequested && t.deliveries == 0 && !t.settled {
			t.settled = true
			return
		}
	}
}

// publish publishes a submission once. A publisher that hears no acknowledgement
// publishes it again, some time.
func (w *World) publish(s *submission) {
	s.attempts++
	if w.chance("request is lost", 8) {
		return
	}
	e := s.request
	e.Saga = s.msgID
	ok := w.inbox.put(w, e)
	s.stored = s.stored || ok || w.Mutant == RefusalUnseen
	s.acked = (ok || w.Mutant == RefusalUnseen) && !w.chance("acknowledgement is lost", 8)
}
