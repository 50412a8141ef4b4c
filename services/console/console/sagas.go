package console

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/console/board"
)

// pageSize is how many sagas or dead letters one page shows.
const pageSize = 50

// search is what the sagas page was asked for.
type search struct {
	User, Saga, Outcome, From, To string
	Page                          int // from 1
}

// openOutcome chooses the sagas that have not ended.
const openOutcome = "open"

// timeForm is how a browser's input of date and time writes one. It has no zone:
// the page says that it means UTC.
const timeForm = "2006-01-02T15:04"

func readSearch(r *http.Request) (search, board.Query, error) {
	q := search{
		User: r.FormValue("user"), Saga: r.FormValue("saga"), Outcome: r.FormValue("outcome"),
		From: r.FormValue("from"), To: r.FormValue("to"), Page: 1,
	}
	if n, err := strconv.Atoi(r.FormValue("page")); err == nil && n > 0 && n < 1_000_000 {
		q.Page = n
	}
	query := board.Query{User: q.User, Saga: q.Saga, Skip: (q.Page - 1) * pageSize, Limit: pageSize}
	if q.Outcome == openOutcome {
		query.Open = true
	} else {
		query.Code = event.Code(q.Outcome)
	}
	var problems []error
	if q.User != "" && !userHash(q.User) {
		problems = append(problems, errors.New("user: want the hash of an Id, 32 hex digits"))
	}
	if q.Saga != "" && !event.ValidSagaID(q.Saga) {
		problems = append(problems, errors.New("saga: want 1 to 64 characters of A-Za-z0-9_-"))
	}
	for _, t := range []struct {
		name, text string
		into       *time.Time
	}{{"from", q.From, &query.From}, {"to", q.To, &query.To}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.into, err = time.Parse(timeForm, t.text); err != nil {
			problems = append(problems, fmt.Errorf("%s: want a time as %s, in UTC", t.name, timeForm))
		}
	}
	if len(problems) > 0 {
		return q, query, badRequest{errors.Join(problems...)}
	}
	return q, query, nil
}

// userHash reports whether s can be a user's hash, in small letters as in subjects.
func userHash(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 16 && s == strings.ToLower(s)
}

// sagasData is what the sagas page shows.
type sagasData struct {
	Search   search
	Codes    []event.Code
	Sagas    []board.Saga
	Total    int
	First    int // number of the first one shown, from 1
	Last     int
	Older    string
	Newer    string
	Reading  int
	Searched bool
}

func (s *server) sagasPage(r *http.Request) (view, error) {
	q, query, err := readSearch(r)
	if err != nil {
		return view{}, err
	}
	found, total := s.board.Find(query)
	if total == 0 && q.User+q.Saga != "" && query.From.IsZero() && query.To.IsZero() && q.Outcome == "" {
		if found, err = s.beyond(r.Context(), query); err != nil { // older than what is kept in memory
			return view{}, err
		}
		total = len(found)
	}
	data := sagasData{
		Search: q, Codes: event.Codes(), Sagas: found, Total: total, First: query.Skip + 1, Last: query.Skip + len(found), Reading: s.reading(),
		Searched: q.User+q.Saga+q.Outcome+q.From+q.To != "",
	}
	if query.Skip+len(found) < total {
		data.Older = q.link(q.Page + 1)
	}
	if q.Page > 1 {
		data.Newer = q.link(q.Page - 1)
	}
	return view{page: "sagas", data: data}, nil
}

// link returns the address of a page of the search.
func (q search) link(page int) string {
	v := url.Values{}
	for name, value := range map[string]string{"user": q.User, "saga": q.Saga, "outcome": q.Outcome, "from": q.From, "to": q.To} {
		if value != "" {
			v.Set(name, value)
		}
	}
	v.Set("page", strconv.Itoa(page))
	return "/sagas?" + v.Encode()
}

// beyond asks the event store for sagas that the board does not know.
func (s *server) beyond(ctx context.Context, q board.Query) ([]board.Saga, error) {
	filter := event.Key{User: "*", Saga: q.Saga}.History()
	if q.User != "" {
		filter = event.UserEvents("*", q.User)
	}
	events, err := s.history(ctx, filter)
	if err != nil {
		return nil, err
	}
	small := board.New(pageSize)
	for _, e := range events {
		small.Apply(e)
	}
	found, _ := small.Find(board.Query{User: q.User, Saga: q.Saga, Limit: pageSize})
	return found, nil
}
