package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
)

// maxLetters is how many dead letters a page shows, or an act is for, at most.
const maxLetters = 200

// replayTime is how long the saga of a replay may take.
const replayTime = 2 * time.Minute

// auditShown is how many audit events the page shows.
const auditShown = 20

// letterView is a dead letter in a list.
type letterView struct {
	deadletter.Letter
	Attempt string // the attempt that has been made since; empty: none
	Why     string // why it cannot be replayed; empty: it can
}

type lettersData struct {
	Filter  deadletter.Filter
	Age     string // as it was asked for
	Ages    map[string]string
	Steps   []string
	Letters []letterView
	Total   int // that match
	Shown   int
	Audits  []event.Audit
	Unread  string // what could not be decoded

	Filtered bool
}

func readFilter(r *http.Request) (deadletter.Filter, error) {
	f := deadletter.Filter{
		Step: r.FormValue("step"), Saga: r.FormValue("saga"), User: r.FormValue("user"),
		Reason: event.Reason(r.FormValue("reason")), Error: r.FormValue("error"),
	}
	if age := r.FormValue("newer"); age != "" {
		d, err := time.ParseDuration(age)
		if err != nil || d <= 0 {
			return f, badRequest{errors.New("newer: want a duration such as 15m or 24h")}
		}
		f.Newer = d
	}
	return f, nil
}

func (s *server) lettersPage(r *http.Request) (view, error) {
	f, err := readFilter(r)
	if err != nil {
		return view{}, err
	}
	data := lettersData{
		Filter: f, Age: r.FormValue("newer"), Filtered: f != deadletter.Filter{},
		Ages: map[string]string{"15m": "15 minutes", "1h": "hour", "24h": "day", "168h": "week"},
	}
	for _, step := range event.Path() {
		data.Steps = append(data.Steps, step.Name)
	}
	now := time.Now()
	err = s.letters.Each(r.Context(), func(l deadletter.Letter) error {
		if f.Matches(l, now) {
			data.Total++
			data.Letters = append(data.Letters, letterView{Letter: l})
			if len(data.Letters) == 2*maxLetters { // the newest are shown, the rest only counted
				data.Letters = slices.Delete(data.Letters, 0, maxLetters)
			}
		}
		return nil
	})
	if err != nil {
		if data.Total == 0 {
			return view{}, err
		}
		data.Unread = err.Error()
	}
	slices.Reverse(data.Letters) // the newest first
	data.Letters = data.Letters[:min(len(data.Letters), maxLetters)]
	data.Shown = len(data.Letters)
	for i := range data.Letters {
		s.consider(&data.Letters[i])
	}
	if data.Audits, err = s.letters.Audits(r.Context(), auditShown); err != nil {
		return view{}, err
	}
	return view{page: "letters", data: data}, nil
}

// errSealed says that dead letters cannot be opened here.
var errSealed = errors.New("DEAD_LETTER_PRIVATE_KEY is not set for the console: it cannot open dead letters")

// consider finds out whether a dead letter can be replayed, and whether it was.
func (s *server) consider(v *letterView) {
	if err := s.check(v.Letter); err != nil {
		v.Why = err.Error()
	}
	base, n := event.SplitAttempt(v.Saga)
	next := event.Key{User: v.User, Saga: event.AttemptID(base, n+1)}
	if _, known := s.board.Get(next); known {
		v.Attempt = next.Saga
	}
}

// check reports why a dead letter cannot be replayed.
func (s *server) check(l deadletter.Letter) error {
	if s.opener == nil {
		return errSealed
	}
	_, err := deadletter.Check(l, s.opener)
	return err
}

type letterData struct {
	letterView
	Headers []headerView
	Body    string
	Sealed  string // why the message is not shown
}

func (s *server) letterPage(r *http.Request) (view, error) {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil {
		return view{}, badRequest{errors.New("want /letters/<number>")}
	}
	l, err := s.letters.Get(r.Context(), number)
	if err != nil {
		return view{}, err
	}
	data := letterData{letterView: letterView{Letter: l}}
	s.consider(&data.letterView)
	if s.opener == nil {
		data.Sealed = errSealed.Error()
	} else if original, err := deadletter.Original(l, s.opener); err != nil {
		data.Sealed = err.Error()
	} else {
		data.Body = indented(original.Data)
		if m, err := event.ParseMeta(original.Header); err == nil {
			data.Headers = headers(m)
		}
	}
	return view{page: "letter", data: data}, nil
}

// choice is what an operator wants done with which dead letters.
type choice struct {
	Action  event.AuditAction
	Numbers []uint64
}

func (s *server) readChoice(r *http.Request) (choice, error) {
	if s.settings.ReadOnly {
		return choice{}, errReadOnly
	}
	if err := r.ParseForm(); err != nil {
		return choice{}, badRequest{errors.New("the form cannot be read: choose fewer dead letters at once")}
	}
	c := choice{Action: event.AuditAction(r.PostForm.Get("action"))}
	if c.Action != event.AuditReplay && c.Action != event.AuditDiscard {
		return c, badRequest{errors.New("action: want replay or discard")}
	}
	for _, text := range r.PostForm["letter"] {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return c, badRequest{errors.New("letter: want a number")}
		}
		c.Numbers = append(c.Numbers, n)
	}
	slices.Sort(c.Numbers)
	c.Numbers = slices.Compact(c.Numbers)
	if len(c.Numbers) == 0 || len(c.Numbers) > maxLetters {
		return c, badRequest{fmt.Errorf("choose 1 to %d dead letters", maxLetters)}
	}
	return c, nil
}

// plan is what will be, or was, done with one dead letter.
type plan struct {
	Number     uint64
	Step, Saga string
	User       string
	Words      string
	To         string // the saga of the new attempt, once there is one
	Problem    bool
}

type confirmData struct {
	Action event.AuditAction
	Plans  []plan
	Able   int // of them can be done
	Done   bool
}

// confirmPage says what an act will do, before it is done.
func (s *server) confirmPage(r *http.Request) (view, error) {
	c, err := s.readChoice(r)
	if err != nil {
		return view{}, err
	}
	data := confirmData{Action: c.Action}
	for _, n := range c.Numbers {
		p := s.plan(r.Context(), c.Action, n)
		if !p.Problem {
			data.Able++
		}
		data.Plans = append(data.Plans, p)
	}
	return view{page: "confirm", data: data}, nil
}

func (s *server) plan(ctx context.Context, action event.AuditAction, number uint64) plan {
	p := plan{Number: number}
	l, err := s.letters.Get(ctx, number)
	if err == nil {
		p.Step, p.Saga, p.User = l.Step, l.Saga, l.User
	}
	if err == nil && action == event.AuditDiscard {
		p.Words = "will be deleted for good; its saga stays failed"
		return p
	}
	if err == nil {
		err = s.check(l)
	}
	var attempt event.Key
	if err == nil {
		attempt, err = s.letters.Attempt(ctx, l)
	}
	if err != nil {
		p.Words, p.Problem = err.Error(), true
		return p
	}
	p.Words = fmt.Sprintf("will begin again at %s as saga %s; the dead letter stays", l.Step, attempt.Saga)
	return p
}

// actPage does what was confirmed and says how it went.
func (s *server) actPage(r *http.Request) (view, error) {
	c, err := s.readChoice(r)
	if err != nil {
		return view{}, err
	}
	data := confirmData{Action: c.Action, Done: true}
	box := s.letters.By(actorOf(r.Context()))
	for _, n := range c.Numbers {
		p := s.act(r.Context(), box, c.Action, n)
		if !p.Problem {
			data.Able++
		}
		data.Plans = append(data.Plans, p)
	}
	return view{page: "confirm", data: data}, nil
}

func (s *server) act(ctx context.Context, box *deadletter.Box, action event.AuditAction, number uint64) plan {
	p := plan{Number: number}
	l, err := box.Get(ctx, number)
	if err == nil {
		p.Step, p.Saga, p.User = l.Step, l.Saga, l.User
	}
	switch {
	case action == event.AuditDiscard && !errors.Is(err, deadletter.ErrNone): // also one that cannot be decoded
		err = box.Discard(ctx, number)
		p.Words = "deleted"
	case err == nil && s.opener == nil:
		err = errSealed
	case err == nil:
		p.To, err = box.Replay(ctx, l, s.opener, time.Now().Add(replayTime))
		p.Words = "begun again"
	}
	if err != nil {
		p.Words, p.Problem = strings.TrimSpace(err.Error()), true
	}
	s.log.Info().Err(err).Str("actor", actorOf(ctx)).Str("action", string(action)).Uint64("letter", number).
		Str("saga", p.Saga).Str("step", p.Step).Msg("an operator acted on a dead letter")
	return p
}
