package harness

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Outcome waits for the end of a saga.
func (s *System) Outcome(k event.Key) event.Ended {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, event.StreamEvents, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{k.Subject(event.TypeCompleted), k.Subject(event.TypeFailed)},
	})
	if err != nil {
		s.T.Fatal(err)
	}
	msg, err := consumer.Next(jetstream.FetchContext(ctx))
	if err != nil {
		s.T.Fatalf("saga %s has not ended: %v", k.Saga, err)
	}
	var ended event.Ended
	if err := json.Unmarshal(msg.Data(), &ended); err != nil {
		s.T.Fatal(err)
	}
	return ended
}

// History returns the types of a saga's events so far.
func (s *System) History(k event.Key) []event.Type {
	s.T.Helper()
	var types []event.Type
	for _, e := range s.Contents(event.StreamEvents, k.History()) {
		t, _, err := event.ParseSubject(e.Subject())
		if err != nil {
			s.T.Fatal(err)
		}
		types = append(types, t)
	}
	return types
}

// Contents returns every message of a stream whose subject matches filter.
func (s *System) Contents(stream, filter string) []jetstream.Msg {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		s.T.Fatal(err)
	}
	want := int(consumer.CachedInfo().NumPending)
	if want == 0 {
		return nil
	}
	batch, err := consumer.Fetch(want, jetstream.FetchContext(ctx)) // Next would make a consumer for each
	if err != nil {
		s.T.Fatalf("read stream %s: %v", stream, err)
	}
	var all []jetstream.Msg
	for msg := range batch.Messages() {
		all = append(all, msg)
	}
	if len(all) != want {
		s.T.Fatalf("read stream %s: %d of %d events: %v", stream, len(all), want, batch.Error())
	}
	return all
}

// DeadLetters waits for n dead letters and returns them.
func (s *System) DeadLetters(n int) []event.DeadLetter {
	s.T.Helper()
	ctx, cancel := context.WithTimeout(s.T.Context(), SagaTime)
	defer cancel()
	consumer, err := s.JS.OrderedConsumer(ctx, event.StreamDeadLetters, jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.T.Fatal(err)
	}
	var letters []event.DeadLetter
	for range n {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			s.T.Fatalf("dead letter %d of %d: %v", len(letters)+1, n, err)
		}
		var l event.DeadLetter
		if err := json.Unmarshal(msg.Data(), &l); err != nil {
			s.T.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// Row is a user as it stands in the table.
type Row struct{ Phone, Password, Name, Image string }

// Row returns the row of an Id, and whether there is one.
func (s *System) Row(id string) (Row, bool) {
	s.T.Helper()
	var r Row
	err := s.Users.QueryRowContext(s.T.Context(), "SELECT Phone, Password, Name, Image FROM Users WHERE Id = ?", id).
		Scan(&r.Phone, &r.Password, &r.Name, &r.Image)
	if errors.Is(err, sql.ErrNoRows) {
		return Row{}, false
	}
	if err != nil {
		s.T.Fatal(err)
	}
	return r, true
}
