package streams_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

// statusOf returns the state of one stream and, unless it is empty, of one of
// its consumers.
func statusOf(t testing.TB, js jetstream.JetStream, stream, consumer string) (streams.StreamStatus, streams.ConsumerStatus) {
	t.Helper()
	all, err := streams.Status(t.Context(), js)
	if err != nil {
		t.Fatalf("Status: %v", err)
	}
	for _, s := range all {
		for _, c := range s.Consumers {
			if s.Name == stream && c.Name == consumer {
				return s, c
			}
		}
		if s.Name == stream && consumer == "" {
			return s, streams.ConsumerStatus{}
		}
	}
	t.Fatalf("Status shows no %s %s", stream, consumer)
	return streams.StreamStatus{}, streams.ConsumerStatus{}
}

func TestStatus_OfAnEmptyServerNamesEverythingAsMissing(t *testing.T) {
	t.Parallel()
	all, err := streams.Status(t.Context(), oneServer(t))
	if err != nil {
		t.Fatalf("Status: %v", err)
	}
	missing := 0
	for _, s := range all {
		if s.Missing {
			missing++
		}
		for _, c := range s.Consumers {
			if c.Missing {
				missing++
			}
		}
	}
	if want := len(everything(load(t), streams.Created, nil)); missing != want {
		t.Errorf("%d missing, want all %d", missing, want)
	}
}

func TestStatus_ShowsWhatStreamsHoldAndConsumersHaveToDo(t *testing.T) {
	t.Parallel()
	js := oneServer(t)
	apply(t, js, load(t), streams.Options{})
	consumer, err := js.Consumer(t.Context(), events, "encryptor")
	if err != nil {
		t.Fatal(err)
	}
	publish(t, js, "user.create.code-checked.user.s1")
	for delivery := range 2 { // delivered, given back, and delivered again
		msg, err := consumer.Next(jetstream.FetchMaxWait(ready))
		if err != nil {
			t.Fatal(err)
		}
		if delivery == 0 {
			if err := msg.Nak(); err != nil {
				t.Fatal(err)
			}
		}
	}
	publish(t, js, "user.create.code-checked.user.s2")
	publish(t, js, "user.create.code-checked.user.s3")
	publish(t, js, "user.create.created.user.s4")

	s, c := statusOf(t, js, events, "encryptor")
	want := streams.StreamStatus{
		Name: events, Messages: 4, MaxBytes: 4 << 30, First: 1, Last: 4, Replicas: 1, InSync: 1,
	}
	if diff := cmp.Diff(want, s, cmpopts.IgnoreFields(s, "Bytes", "Leader", "Consumers")); diff != "" {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	if s.Bytes == 0 || s.Leader == "" {
		t.Errorf("stream has %d bytes, leader %q; want some", s.Bytes, s.Leader)
	}
	if diff := cmp.Diff(streams.ConsumerStatus{Name: "encryptor", Pending: 2, AckPending: 1, Redelivered: 1}, c); diff != "" {
		t.Errorf("consumer (-want +got):\n%s", diff)
	}
}

func TestStatus_ShowsDriftFromTheDeclaration(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	streamOf(t, d, events).MaxAge = 24 * time.Hour
	streamOf(t, d, requests).Retention = jetstream.LimitsPolicy
	consumerOf(t, d, "user-writer").AckWait = time.Second
	apply(t, js, d, streams.Options{})

	lines := func(drifts []streams.Drift) (all []string) {
		for _, d := range drifts {
			all = append(all, d.String())
		}
		return all
	}
	s, c := statusOf(t, js, events, "user-writer")
	if diff := cmp.Diff([]string{"max_age: declared 168h0m0s, server has 24h0m0s"}, lines(s.Drift)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ack_wait: declared 30s, server has 1s"}, lines(c.Drift)); diff != "" {
		t.Errorf("user-writer (-want +got):\n%s", diff)
	}
	s, _ = statusOf(t, js, requests, "")
	if diff := cmp.Diff([]string{`retention: declared "workqueue", server has "limits"`}, lines(s.Drift)); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if s, _ = statusOf(t, js, deadLetters, ""); len(s.Drift) != 0 {
		t.Errorf("dead letters drift without cause: %v", s.Drift)
	}
}
