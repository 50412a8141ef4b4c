package sagatest

import (
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// declare creates the streams, the bucket and the consumers of the given steps.
func (s *Server) declare(ackWait time.Duration, steps []string) {
	s.t.Helper()
	ctx, cancel := s.context()
	defer cancel()
	for _, c := range []jetstream.StreamConfig{
		{
			Name: event.StreamRequests, Subjects: []string{event.SubjectRequested},
			Retention: jetstream.WorkQueuePolicy, Duplicates: 10 * time.Minute, Discard: jetstream.DiscardNew,
		},
		{
			Name: event.StreamEvents, Subjects: []string{"user.create.*.*.*"},
			MaxAge: 7 * 24 * time.Hour, AllowDirect: true, Discard: jetstream.DiscardNew,
		},
		{
			Name: event.StreamDeadLetters, Subjects: []string{"dlq.user.create.>"},
			MaxAge: 30 * 24 * time.Hour, Discard: jetstream.DiscardNew,
		},
		{Name: event.StreamAudit, Subjects: []string{"audit.user.create.*"}, MaxAge: 365 * 24 * time.Hour},
	} {
		if _, err := s.js.CreateStream(ctx, c); err != nil {
			s.t.Fatalf("create stream %s: %v", c.Name, err)
		}
	}
	if _, err := s.js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: event.BucketImages, TTL: 24 * time.Hour}); err != nil {
		s.t.Fatalf("create the bucket: %v", err)
	}
	for _, step := range event.Path() {
		if len(steps) == 0 || slices.Contains(steps, step.Name) {
			s.declareConsumer(ctx, step, ackWait)
		}
	}
}

// declareConsumer creates the durable consumer of a step.
func (s *Server) declareConsumer(ctx context.Context, step event.Step, ackWait time.Duration) {
	s.t.Helper()
	stream, subjects := event.StreamEvents, make([]string, 0, len(step.Consumes))
	for _, t := range step.Consumes {
		if t == event.TypeRequested {
			stream, subjects = event.StreamRequests, append(subjects, event.SubjectRequested)
		} else {
			subjects = append(subjects, event.SagaEvents(t))
		}
	}
	_, err := s.js.CreateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable: step.Name, FilterSubjects: subjects, AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: ackWait, MaxDeliver: -1, MaxAckPending: 100_000,
	})
	if err != nil {
		s.t.Fatalf("create consumer %s: %v", step.Name, err)
	}
}

// waitLimit is how long a helper waits for what must come, before it fails the
// test. Long, because it costs nothing when all is well.
const waitLimit = 30 * time.Second

func (s *Server) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.t.Context(), waitLimit)
}
