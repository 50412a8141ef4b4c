package console

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/console/board"
)

// historyTime bounds the reading of one history.
const historyTime = 10 * time.Second

// history reads every stored event that matches filter, in order.
func (s *server) history(ctx context.Context, filter string) ([]saga.Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTime)
	defer cancel()
	var events []saga.Stored
	done := false
	err := s.store.Follow(ctx, saga.Follower{
		Filters: []string{filter}, Since: time.Unix(0, 0), Logger: zerolog.Nop(),
		CaughtUp: func() { done = true; cancel() },
		Handle: func(_ context.Context, e saga.Stored) {
			if !done {
				events = append(events, e)
			}
		},
	})
	if err == nil && !done {
		err = errors.New("the event store did not answer in time")
	}
	return events, err
}

// sagaData is what the page of one saga shows.
type sagaData struct {
	board.Saga
	Events   []eventView
	Undone   []compensation
	Attempts []string // sagas of the same registration, this one included
	Letters  string   // where its dead letters are
	Deadline time.Time
	Ended    event.Ended
}

// eventView is one event of a timeline.
type eventView struct {
	Type     event.Type
	ID       string
	Source   string
	Time     time.Time
	Since    time.Duration // since the one before; negative for the first
	Cause    string        // id of the event that led to this one
	CauseAt  string        // where that one stands: a fragment of this page, or another saga's page
	Tries    int           // deliveries of the event that led to this one; 0 for one
	Sequence uint64
	Headers  []headerView
	Body     string
}

type headerView struct{ Name, Value string }

// compensation says how far a step is that undoes what a failed saga did.
type compensation struct{ Step, Service, Words string }

func (s *server) sagaPage(r *http.Request) (view, error) {
	k, err := sagaKey(r)
	if err != nil {
		return view{}, err
	}
	base, _ := event.SplitAttempt(k.Saga)
	events, err := s.history(r.Context(), k.History())
	if err != nil {
		return view{}, err
	}
	if len(events) == 0 {
		return view{}, fmt.Errorf("%w: the event store has no saga %s of this user", errNotFound, k.Saga)
	}
	one := board.New(1)
	for _, e := range events {
		one.Apply(e)
	}
	data := sagaData{Events: timeline(events), Letters: "/letters?saga=" + base}
	data.Saga, _ = one.Get(k)
	last := events[len(events)-1]
	data.Deadline = last.Meta.Deadline
	if last.Type.Terminal() {
		if err := json.Unmarshal(last.Data, &data.Ended); err != nil {
			return view{}, fmt.Errorf("decode the end of saga %s: %w", k.Saga, err)
		}
	}
	if last.Type == event.TypeFailed {
		data.Undone = s.undone(last.Sequence)
	}
	family, _ := s.board.Find(board.Query{User: k.User, Saga: base, Limit: pageSize})
	slices.SortFunc(family, func(a, b board.Saga) int { return cmp.Compare(a.Began.UnixNano(), b.Began.UnixNano()) })
	for _, other := range family {
		data.Attempts = append(data.Attempts, other.Saga)
	}
	return view{page: "saga", data: data}, nil
}

// sagaKey reads from a path which saga is meant.
func sagaKey(r *http.Request) (event.Key, error) {
	k := event.Key{User: r.PathValue("user"), Saga: r.PathValue("saga")}
	if !userHash(k.User) || !event.ValidSagaID(k.Saga) {
		return k, badRequest{errors.New("want /sagas/<hash of the Id>/<saga>")}
	}
	return k, nil
}

// timeline makes the views of a history.
func timeline(events []saga.Stored) []eventView {
	ids := map[string]bool{}
	list := make([]eventView, 0, len(events))
	for i, e := range events {
		v := eventView{
			Type: e.Type, ID: e.Meta.ID, Source: e.Meta.Source, Time: e.Time, Since: -1, Sequence: e.Sequence,
			Cause: e.Meta.Causation, Tries: e.Meta.Deliveries, Headers: headers(e.Meta), Body: indented(e.Data),
		}
		if i > 0 {
			v.Since = e.Time.Sub(events[i-1].Time)
		}
		if ids[v.Cause] {
			v.CauseAt = "#" + v.Cause
		} else if other, _, ok := strings.Cut(v.Cause, "."); ok && event.ValidSagaID(other) && other != e.Saga {
			v.CauseAt = "/sagas/" + e.User + "/" + other
		}
		ids[v.ID] = true
		list = append(list, v)
	}
	return list
}

// headers lists what an event's headers say. None of them may hold a secret.
func headers(m event.Meta) []headerView {
	var list []headerView
	for name, values := range m.Header() {
		list = append(list, headerView{name, strings.Join(values, ", ")})
	}
	slices.SortFunc(list, func(a, b headerView) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// indented returns a body without its secrets, one property a line.
func indented(data []byte) string {
	masked := event.Masked(data)
	var out bytes.Buffer
	if json.Indent(&out, []byte(masked), "", "  ") != nil {
		return masked
	}
	return out.String()
}

// undone says how far the compensations of a saga are that failed at sequence.
func (s *server) undone(sequence uint64) []compensation {
	states, _, _ := s.consumers.last()
	var list []compensation
	for _, step := range event.Path() {
		if step.Appends != "" || step.Name == event.StepNotifier {
			continue
		}
		c, known := states[step.Name]
		words := "not delivered yet"
		switch {
		case !known:
			words = "not known"
		case c.missing:
			words = "there is no consumer (createuser streams apply)"
		case c.floor >= sequence:
			words = "done"
		case c.delivered >= sequence:
			words = "in hand, or done with earlier ones still open: " + strconv.Itoa(c.inHand) + " in hand"
		}
		list = append(list, compensation{step.Name, step.Service, words})
	}
	return list
}
