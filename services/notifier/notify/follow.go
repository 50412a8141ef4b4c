package notify

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// follower returns what emits every terminal event that is stored from now on.
// It calls ready once none can be missed, so that no client is let in before.
func (n notifier) follower(ready func()) saga.Follower {
	return saga.Follower{
		Filters: []string{event.SagaEvents(event.TypeCompleted), event.SagaEvents(event.TypeFailed)},
		Ready:   func(uint64) { ready() },
		Handle:  n.take,
		Logger:  n.log,
	}
}

const (
	// askTime bounds one try to find out whether an outcome is to be told.
	askTime = 2 * time.Second
	// askAgain is how long to wait when the event store cannot say.
	askAgain = 200 * time.Millisecond
)

// take emits the outcome that is stored as e. While the event store does not
// answer, it waits: nothing else comes then either.
func (n notifier) take(ctx context.Context, e saga.Stored) {
	o, err := parseOutcome(e)
	if err != nil {
		n.log.Error().Err(err).Str("saga", e.Saga).Str("event", string(e.Type)).Msg("cannot read an outcome")
		return
	}
	for n.try(ctx, o) != nil {
		select {
		case <-time.After(askAgain):
		case <-ctx.Done():
			return
		}
	}
}

func (n notifier) try(ctx context.Context, o outcome) error {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if n.tracer != nil {
		var span trace.Span
		ctx, span = saga.StartProcess(ctx, n.tracer, event.StepNotifier, o.Type, o.Saga, o.Meta)
		defer span.End()
	}
	err := n.notify(ctx, o)
	if err != nil {
		n.log.Warn().Err(err).Str("saga", o.Saga).Str("event", string(o.Type)).Msg("cannot tell an outcome yet")
	}
	return err
}
