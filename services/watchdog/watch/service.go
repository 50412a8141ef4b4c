package watch

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
)

// Description describes the watchdog.
func Description() service.Description {
	return service.Description{
		Name:  event.StepWatchdog,
		About: "ends the sagas whose deadline has passed",
		Help:  func(io.Writer) error { return nil },
	}
}

// Service returns the watchdog.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

// lookBack is how far into the past a starting watchdog reads. A saga's deadline
// is at most an hour after its request, so an older open one is past it; the
// step that it waits for ends it as soon as it takes its event.
const lookBack = 2 * time.Hour

func run(ctx context.Context, env *service.Env) error {
	store := saga.NewStore(env.JS)
	w := watchdog{
		sagas: &openSagas{open: map[event.Key]*openSaga{}}, history: store,
		observer: env.Saga.Observer(event.StepWatchdog), tracer: env.Saga.Tracer, log: env.Logger,
	}
	shown := waiting{w.sagas}
	env.Metrics.Register(shown)
	env.Metrics.OldestEvents(shown.oldest)

	caughtUp := make(chan struct{})
	env.Health.Add("event store", func(context.Context) error {
		select {
		case <-caughtUp:
			return nil
		default:
			return errors.New("still reading the past")
		}
	})
	follower := saga.Follower{
		Filters: []string{event.SagaEvents("*")}, Since: time.Now().Add(-lookBack), Logger: env.Logger,
		CaughtUp: func() { close(caughtUp) },
		Handle:   func(_ context.Context, e saga.Stored) { w.sagas.apply(e) },
	}
	return service.All(ctx,
		func(ctx context.Context) error { return store.Follow(ctx, follower) },
		func(ctx context.Context) error {
			select {
			case <-caughtUp: // before, a saga that has ended may look open
			case <-ctx.Done():
				return nil
			}
			env.Logger.Info().Int("open", w.sagas.count()).Msg("watching the open sagas")
			w.patrol(ctx)
			return nil
		},
	)
}
