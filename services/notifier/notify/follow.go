package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// follow emits every terminal event that is stored from now on, until ctx ends.
// It calls ready once it follows, so that no client is let in before.
func (n notifier) follow(ctx context.Context, js jetstream.JetStream, ready func()) error {
	consumer, err := n.subscribe(ctx, js)
	if err != nil {
		return nil //nolint:nilerr // stopped before the event store appeared
	}
	consuming, err := consumer.Consume(func(msg jetstream.Msg) { n.take(ctx, msg) })
	if err != nil {
		return fmt.Errorf("follow the event store: %w", err)
	}
	ready()
	<-ctx.Done()
	consuming.Stop()
	<-consuming.Closed()
	return nil
}

// subscribe makes an ordered consumer that begins at a sequence, not at "new":
// one that begins at "new" begins there again when the server restarts before
// the first event, and what was stored in between would be lost.
func (n notifier) subscribe(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	for {
		consumer, err := orderedFromNow(ctx, js)
		if err == nil {
			return consumer, nil
		}
		n.log.Warn().Err(err).Msg(`cannot follow the event store yet; if this persists, run "createuser streams apply"`)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func orderedFromNow(ctx context.Context, js jetstream.JetStream) (jetstream.Consumer, error) {
	stream, err := js.Stream(ctx, event.StreamEvents)
	if err != nil {
		return nil, err
	}
	return js.OrderedConsumer(ctx, event.StreamEvents, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{event.SagaEvents(event.TypeCompleted), event.SagaEvents(event.TypeFailed)},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:    stream.CachedInfo().State.LastSeq + 1,
	})
}

// askAgain is how long to wait when the event store cannot say whether an
// outcome is to be told.
const askAgain = 200 * time.Millisecond

// take emits the outcome of one delivery. While the event store does not
// answer, it waits: nothing else comes then either.
func (n notifier) take(ctx context.Context, msg jetstream.Msg) {
	o, err := read(msg)
	if err != nil {
		n.log.Error().Err(err).Str("saga", o.Saga).Str("event", string(o.Type)).Msg("cannot read an outcome")
		return
	}
	for ctx.Err() == nil {
		attempt, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := n.notify(attempt, o)
		cancel()
		if err == nil {
			return
		}
		n.log.Warn().Err(err).Str("saga", o.Saga).Str("event", string(o.Type)).Msg("cannot tell an outcome yet")
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
		}
	}
}

// read reads the outcome in a delivery.
func read(msg jetstream.Msg) (outcome, error) {
	e, err := saga.ParseStored(msg.Subject(), msg.Headers(), msg.Data())
	if err != nil {
		return outcome{Stored: e}, err
	}
	info, err := msg.Metadata()
	if err != nil {
		return outcome{Stored: e}, fmt.Errorf("read the delivery's metadata: %w", err)
	}
	e.Sequence, e.Time = info.Sequence.Stream, info.Timestamp
	return parseOutcome(e)
}
