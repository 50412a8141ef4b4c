package sagatest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// Expect waits until the saga's history holds an event of type t and returns it.
func (s *Server) Expect(k event.Key, t event.Type) saga.Stored {
	s.t.Helper()
	return s.expect(k.Subject(t), "event "+string(t)+" of saga "+k.Saga)
}

// Begun waits for the first event of any of the user's sagas and returns its key.
func (s *Server) Begun(userID string) event.Key {
	s.t.Helper()
	return s.expect(event.UserEvents("*", event.UserHash(userID)), "event of the user").Key
}

func (s *Server) expect(filter, what string) saga.Stored {
	s.t.Helper()
	messages := s.follow(event.StreamEvents, filter, 1)
	if len(messages) == 0 {
		s.t.Fatalf("no %s after %s", what, waitLimit)
	}
	return s.parse(messages[0])
}

// ExpectExactly waits until the saga's history holds as many events as there are
// types, and fails unless they are of these types, in order. Stop the steps that
// could append more before, if nothing more may follow.
func (s *Server) ExpectExactly(k event.Key, types ...event.Type) []saga.Stored {
	s.t.Helper()
	s.follow(event.StreamEvents, k.History(), len(types))
	history := s.History(k)
	got := make([]event.Type, len(history))
	for i, e := range history {
		got[i] = e.Type
	}
	if diff := cmp.Diff(types, got); diff != "" {
		s.t.Fatalf("history of saga %s (-want +got):\n%s", k.Saga, diff)
	}
	return history
}

// History returns the saga's events as they stand now.
func (s *Server) History(k event.Key) []saga.Stored {
	s.t.Helper()
	messages := s.Messages(event.StreamEvents, k.History())
	history := make([]saga.Stored, len(messages))
	for i, m := range messages {
		history[i] = s.parse(m)
	}
	return history
}

// Histories waits until n sagas have an event of type t, and returns the types
// of every saga's events as they stand then.
func (s *Server) Histories(t event.Type, n int) map[event.Key][]event.Type {
	s.t.Helper()
	if got := len(s.follow(event.StreamEvents, event.SagaEvents(t), n)); got < n {
		s.t.Fatalf("%d events %s after %s, want %d", got, t, waitLimit, n)
	}
	histories := make(map[event.Key][]event.Type)
	for _, m := range s.Messages(event.StreamEvents, event.SagaEvents("*")) {
		e := s.parse(m)
		histories[e.Key] = append(histories[e.Key], e.Type)
	}
	return histories
}

// Ended returns the body of a terminal event.
func (s *Server) Ended(e saga.Stored) event.Ended {
	s.t.Helper()
	var body event.Ended
	if err := json.Unmarshal(e.Data, &body); err != nil {
		s.t.Fatalf("decode %s of saga %s: %v", e.Type, e.Saga, err)
	}
	return body
}

// DeadLetters waits until there are at least n dead letters and returns all.
func (s *Server) DeadLetters(n int) []event.DeadLetter {
	s.t.Helper()
	s.follow(event.StreamDeadLetters, ">", n)
	messages := s.Messages(event.StreamDeadLetters, ">")
	if len(messages) < n {
		s.t.Fatalf("%d dead letters after %s, want %d", len(messages), waitLimit, n)
	}
	letters := make([]event.DeadLetter, len(messages))
	for i, m := range messages {
		if err := json.Unmarshal(m.Data(), &letters[i]); err != nil {
			s.t.Fatalf("decode dead letter %d: %v", i+1, err)
		}
	}
	return letters
}

// Open returns the message that a dead letter was made of.
func (s *Server) Open(letter event.DeadLetter) event.Original {
	s.t.Helper()
	plain, err := event.NewOpener(s.key).OpenBytes(letter.Message)
	if err != nil {
		s.t.Fatalf("open the dead letter: %v", err)
	}
	var original event.Original
	if err := json.Unmarshal(plain, &original); err != nil {
		s.t.Fatalf("decode the opened dead letter: %v", err)
	}
	return original
}

// Contents returns all that a stream holds, subjects and headers included, to
// look for what must not be there.
func (s *Server) Contents(stream string) string {
	s.t.Helper()
	var b strings.Builder
	for _, m := range s.Messages(stream, ">") {
		fmt.Fprintln(&b, m.Subject(), m.Headers(), string(m.Data()))
	}
	return b.String()
}

// Messages returns the messages of a stream whose subjects match filter, as
// they stand now.
func (s *Server) Messages(stream, filter string) []jetstream.Msg {
	s.t.Helper()
	ctx, cancel := s.context()
	defer cancel()
	consumer, err := s.reader(ctx, stream, filter)
	if err != nil {
		s.t.Fatalf("read stream %s: %v", stream, err)
	}
	messages, err := fetch(ctx, consumer, int(consumer.CachedInfo().NumPending))
	if err != nil {
		s.t.Fatalf("read stream %s: %v", stream, err)
	}
	return messages
}

// follow waits until n messages of a stream match filter and returns them, or
// as many as came within waitLimit. It outlives a restart of the server.
func (s *Server) follow(stream, filter string, n int) []jetstream.Msg {
	s.t.Helper()
	ctx, cancel := s.context()
	defer cancel()
	for {
		consumer, err := s.reader(ctx, stream, filter)
		if err == nil {
			var messages []jetstream.Msg
			if messages, err = fetch(ctx, consumer, n); err == nil || ctx.Err() != nil {
				return messages
			}
		}
		if ctx.Err() != nil {
			s.t.Errorf("follow stream %s: %v", stream, err)
			return nil
		}
	}
}

// reader makes a consumer that reads a stream from its beginning and vanishes
// by itself.
func (s *Server) reader(ctx context.Context, stream, filter string) (jetstream.Consumer, error) {
	if stream == event.StreamRequests {
		return nil, errors.New("the inbox is a work queue: use its stream's info")
	}
	return s.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		FilterSubject: filter, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, InactiveThreshold: waitLimit,
	})
}

// fetch reads n messages, waiting for them until ctx ends.
func fetch(ctx context.Context, consumer jetstream.Consumer, n int) ([]jetstream.Msg, error) {
	var messages []jetstream.Msg
	for len(messages) < n && ctx.Err() == nil {
		batch, err := consumer.Fetch(n-len(messages), jetstream.FetchMaxWait(time.Second))
		if err != nil {
			return messages, err
		}
		for m := range batch.Messages() {
			messages = append(messages, m)
		}
		if err := batch.Error(); err != nil {
			return messages, err
		}
	}
	return messages, nil
}

func (s *Server) parse(m jetstream.Msg) saga.Stored {
	s.t.Helper()
	stored, err := saga.ParseStored(m.Subject(), m.Headers(), m.Data())
	if err != nil {
		s.t.Fatalf("read event: %v", err)
	}
	info, err := m.Metadata()
	if err != nil {
		s.t.Fatalf("read event: %v", err)
	}
	stored.Sequence, stored.Time = info.Sequence.Stream, info.Timestamp
	return stored
}
