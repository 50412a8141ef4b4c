package saga

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
)

// Follower follows the event store: it is handed every event that matches, in
// order and without gaps, also over reconnections and restarts of the server.
// Nothing is acknowledged, so any number of followers see the same.
type Follower struct {
	// Filters are the subjects to follow. They must not overlap.
	Filters []string
	// Since is when the oldest event was stored that is of interest. Zero: only
	// what is stored from now on.
	Since time.Time
	// Ready is called once, before the first event, when none can be missed any
	// more, with the number of events that are stored already. Nil: nobody needs to
	// know.
	Ready func(stored uint64)
	// CaughtUp is called once, when every event that was stored already has been
	// handled or passed over. Nil: nobody needs to know.
	CaughtUp func()
	// Handle is called for each event, one after the other.
	Handle func(ctx context.Context, e Stored)
	// Logger is told of what stands in the way.
	Logger zerolog.Logger
}

// followRetry is how long to wait for an event store that is not there yet.
const followRetry = time.Second

// Follow follows the event store until ctx ends. It waits for the event store
// to appear; its only error is that of a follower that cannot work at all.
func (s *Store) Follow(ctx context.Context, f Follower) error {
	consumer := s.follow(ctx, f)
	if consumer == nil {
		return nil
	}
	past := consumer.CachedInfo().NumPending // events still to come
	if f.Ready != nil {
		f.Ready(past)
	}
	if past == 0 {
		f.caughtUp()
	}
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		pending := f.take(ctx, msg)
		if past == 0 {
			return
		}
		if past--; past == 0 || pending == 0 { // what has expired meanwhile does not come
			past = 0
			f.caughtUp()
		}
	})
	if err != nil {
		return fmt.Errorf("follow the event store: %w", err)
	}
	<-ctx.Done()
	consuming.Stop()
	<-consuming.Closed()
	s.forget(ctx, consumer)
	return nil
}

func (f Follower) caughtUp() {
	if f.CaughtUp != nil {
		f.CaughtUp()
	}
}

// forget deletes a consumer that is not used any more. What cannot be deleted
// the server forgets by itself, after some minutes.
func (s *Store) forget(ctx context.Context, consumer jetstream.Consumer) {
	if !s.js.Conn().IsConnected() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), followRetry)
	defer cancel()
	_ = s.js.DeleteConsumer(ctx, event.StreamEvents, consumer.CachedInfo().Name)
}

// follow makes the consumer. It returns nil when ctx ends first.
func (s *Store) follow(ctx context.Context, f Follower) jetstream.Consumer {
	for {
		consumer, err := s.ordered(ctx, f)
		if err == nil {
			return consumer
		}
		f.Logger.Warn().Err(err).Msg(`cannot follow the event store yet; if this persists, run "createuser streams apply"`)
		if pause(ctx, followRetry) != nil {
			return nil
		}
	}
}

// ordered makes an ordered consumer. For what is yet to come it begins at a
// sequence, not at "new": one that begins at "new" does so again when the
// server restarts before the first event, and would miss what came in between.
func (s *Store) ordered(ctx context.Context, f Follower) (jetstream.Consumer, error) {
	config := jetstream.OrderedConsumerConfig{FilterSubjects: f.Filters}
	if f.Since.IsZero() {
		stream, err := s.js.Stream(ctx, event.StreamEvents)
		if err != nil {
			return nil, err
		}
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, stream.CachedInfo().State.LastSeq+1
	} else {
		config.DeliverPolicy, config.OptStartTime = jetstream.DeliverByStartTimePolicy, &f.Since
	}
	return s.js.OrderedConsumer(ctx, event.StreamEvents, config)
}

// take hands one delivery on, and returns how many more there are. What is no
// event of this contract is passed over.
func (f Follower) take(ctx context.Context, msg jetstream.Msg) (pending uint64) {
	info, err := msg.Metadata()
	if err != nil { // an ordered consumer hands on none without
		f.Logger.Error().Err(err).Msg("cannot read a delivery: passed over")
		return 0
	}
	e, err := ParseStored(msg.Subject(), msg.Headers(), msg.Data())
	if err != nil {
		f.Logger.Error().Err(err).Str("saga", e.Saga).Str("event", string(e.Type)).Msg("cannot read an event: passed over")
		return info.NumPending
	}
	e.Sequence, e.Time = info.Sequence.Stream, info.Timestamp
	f.Handle(ctx, e)
	return info.NumPending
}
