package sagatest

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Key names a new saga of the user with the given Id.
func (s *Server) Key(userID string) event.Key {
	s.sagas++
	return event.Key{User: event.UserHash(userID), Saga: fmt.Sprintf("saga-%d", s.sagas)}
}

// Publish publishes a request under the message id that is to be its saga's,
// and returns the key of the saga. Without a message id the saga gets a name of
// its own: see [Server.Begun].
func (s *Server) Publish(request event.Requested, msgID string) event.Key {
	s.t.Helper()
	data, err := json.Marshal(request)
	if err != nil {
		s.t.Fatalf("encode the request: %v", err)
	}
	header := nats.Header{}
	if msgID != "" {
		header.Set(event.HeaderMsgID, msgID)
	}
	s.PublishRaw(data, header)
	return event.Key{User: event.UserHash(request.ID), Saga: msgID}
}

// PublishRaw publishes any bytes as a request.
func (s *Server) PublishRaw(data []byte, header nats.Header) {
	s.t.Helper()
	ctx, cancel := s.context()
	defer cancel()
	msg := &nats.Msg{Subject: event.SubjectRequested, Header: header, Data: data}
	if _, err := s.js.PublishMsg(ctx, msg); err != nil {
		s.t.Fatalf("publish a request: %v", err)
	}
}

// Append appends an event to a saga's history, behind what stands there, and
// returns its sequence. A zero deadline is one in a minute.
func (s *Server) Append(body event.Body, k event.Key, deadline time.Time) uint64 {
	s.t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		s.t.Fatalf("encode %s: %v", body.EventType(), err)
	}
	return s.AppendRaw(body.EventType(), data, k, deadline)
}

// AppendRaw is [Server.Append] for any bytes.
func (s *Server) AppendRaw(t event.Type, data []byte, k event.Key, deadline time.Time) uint64 {
	s.t.Helper()
	ctx, cancel := s.context()
	defer cancel()
	if deadline.IsZero() {
		deadline = time.Now().Add(time.Minute)
	}
	var after uint64
	if history := s.History(k); len(history) > 0 {
		after = history[len(history)-1].Sequence
	}
	meta := event.Meta{
		ID: k.Saga + "." + string(t), Source: "/create-user/sagatest", Type: t,
		Time: time.Now(), Saga: k.Saga, Deadline: deadline,
	}
	msg := &nats.Msg{Subject: k.Subject(t), Header: meta.Header(), Data: data}
	ack, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequenceForSubject(after, k.History()))
	if err != nil {
		s.t.Fatalf("append %s: %v", t, err)
	}
	return ack.Sequence
}
