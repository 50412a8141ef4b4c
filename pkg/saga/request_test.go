package saga_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestRun_Request(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	seen := make(chan saga.Event[event.Requested], 100)
	sagatest.Run(s, verifying(func(e saga.Event[event.Requested]) error { seen <- e; return nil }))
	body := func(id string) []byte {
		data, err := json.Marshal(request(id))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}

	t.Run("without headers gets a saga and a deadline", func(t *testing.T) {
		s.PublishRaw(body("plain"), nil)
		k := s.Begun("plain")
		e := receive(t, seen, "the request")
		if e.Key != k || len(k.Saga) != 32 {
			t.Errorf("handled as saga %v, stored as %v", e.Key, k)
		}
		first := s.ExpectExactly(k, event.TypeTokenVerified)[0]
		if d := time.Until(first.Meta.Deadline); d < time.Minute || d > 2*time.Minute {
			t.Errorf("the deadline is in %s, want 2 min", d)
		}
		if first.Meta.Causation != k.Saga+".requested" {
			t.Errorf("causation %q", first.Meta.Causation)
		}
	})
	t.Run("with a message id gives its saga that name, and passes on what it says", func(t *testing.T) {
		asked := time.Now().Add(30 * time.Second).UTC()
		s.PublishRaw(body("named"), nats.Header{
			event.HeaderMsgID: {"order-1"}, event.HeaderID: {"up stream%201"}, event.HeaderDeadline: {asked.Format(time.RFC3339Nano)},
			event.HeaderTraceParent: {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
		})
		k := event.Key{User: event.UserHash("named"), Saga: "order-1"}
		receive(t, seen, "the request")
		got := s.ExpectExactly(k, event.TypeTokenVerified)[0].Meta
		want := event.Meta{
			ID: "order-1.token-verified", Source: "/create-user/token-verifier", Type: event.TypeTokenVerified, Time: got.Time,
			Saga: "order-1", Deadline: asked, Requested: got.Requested, Causation: "up stream 1",
			TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if d := time.Since(got.Requested); d < 0 || d > time.Minute {
			t.Errorf("it says that it was requested %s ago", d)
		}
	})
	t.Run("with a message id that cannot stand in a subject gets another", func(t *testing.T) {
		s.PublishRaw(body("dots"), nats.Header{event.HeaderMsgID: {"a.b.>"}})
		if k := s.Begun("dots"); len(k.Saga) != 32 {
			t.Errorf("saga %q", k.Saga)
		}
		receive(t, seen, "the request")
	})
	t.Run("may not ask for a deadline beyond the limit", func(t *testing.T) {
		s.PublishRaw(body("patient"), nats.Header{event.HeaderMsgID: {"patient"}, event.HeaderDeadline: {"2999-01-01T00:00:00Z"}})
		receive(t, seen, "the request")
		first := s.ExpectExactly(event.Key{User: event.UserHash("patient"), Saga: "patient"}, event.TypeTokenVerified)[0]
		if d := time.Until(first.Meta.Deadline); d > time.Hour {
			t.Errorf("the deadline is in %s, want 1 h at most", d)
		}
	})
	for name, tt := range map[string]struct {
		body   []byte
		header nats.Header
		want   event.Code
	}{
		"with a bad deadline is invalid":          {body("x"), nats.Header{event.HeaderDeadline: {"soon"}}, event.CodeInvalidRequest},
		"with a deadline that has passed is late": {body("x"), nats.Header{event.HeaderDeadline: {"2020-01-01T00:00:00Z"}}, event.CodeDeadlineExceeded},
		"of another version is invalid":           {body("x"), nats.Header{event.HeaderType: {"user.create.requested.v2"}}, event.CodeInvalidRequest},
		"with a bad field is invalid":             {[]byte(`{"Id":"x","Code":` + secretCode + `}`), nats.Header{}, event.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			id := strings.ReplaceAll(name, " ", "-")
			tt.header.Set(event.HeaderMsgID, id)
			s.PublishRaw(tt.body, tt.header)
			k := event.Key{User: event.UserHash("x"), Saga: id}
			failed := s.ExpectExactly(k, event.TypeFailed)[0]
			if got := s.Ended(failed); got.Code != tt.want || got.ID != "x" {
				t.Errorf("failed is %+v, want the code %s", got, tt.want)
			}
		})
	}
	t.Run("that names nobody is a dead letter without a saga", func(t *testing.T) {
		s.PublishRaw([]byte(`{"Password":"`+secretPassword+`"}`), nats.Header{event.HeaderMsgID: {"nobody"}})
		letter := s.DeadLetters(1)[0]
		if letter.User != event.UnknownUser || letter.Saga != "nobody" || letter.Stream != event.StreamRequests {
			t.Errorf("dead letter: %+v", letter)
		}
		if h := s.History(event.Key{User: event.UnknownUser, Saga: "nobody"}); len(h) > 0 {
			t.Errorf("a history of %d events", len(h))
		}
	})
	if len(seen) > 0 {
		t.Errorf("%d requests were handled that should not have been", len(seen))
	}
	noSecrets(t, "the dead letters", s.Contents(event.StreamDeadLetters))
	noSecrets(t, "the logs", s.Logs())
}

func TestRun_RequestLeavesTheInboxWhenItsSagaHasBegun(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	verbs := settlements(t, s)
	stop := sagatest.Run(s, verifying(nothing))
	k := s.Publish(request("ada"), "m-1")
	s.PublishRaw([]byte("poison"), nil)
	settled(t, verbs, "+ACK")
	s.ExpectExactly(k, event.TypeTokenVerified)
	s.DeadLetters(1)
	stop()
	// The stop has flushed nothing: ask behind the acks on their own connection.
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	if n := stream.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d requests left", n)
	}
}

func TestRun_LogsNameSagaStepAndEvent(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	logged := make(chan struct{}, 10)
	sagatest.Run(s, verifying(func(saga.Event[event.Requested]) error {
		return saga.Reject(event.CodeSessionExpired, nil)
	}), onLog("event was not handled forward", logged))
	k := s.Publish(request("ada"), "m-1")
	receive(t, logged, "the line")
	s.Expect(k, event.TypeFailed)
	var found bool
	for line := range strings.Lines(s.Logs()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("not JSON: %s", line)
		}
		if fields["step"] != event.StepTokenVerifier {
			t.Errorf("no step: %s", line)
		}
		if fields["saga"] == "m-1" && fields["event"] == "requested" && fields["code"] == "session_expired" {
			found = true
		}
	}
	if !found {
		t.Errorf("no line names the saga, the event and the code:\n%s", s.Logs())
	}
	noSecrets(t, "the logs", s.Logs())
}
