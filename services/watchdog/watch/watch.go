package watch

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// history appends to the event store.
type history interface {
	Append(ctx context.Context, m event.Meta, k event.Key, data []byte, after uint64) error
}

type watchdog struct {
	sagas    *openSagas
	history  history
	observer saga.Observer
	tracer   trace.Tracer // nil: nothing is traced
	log      zerolog.Logger
}

const (
	// patrolEvery is how often the open sagas are looked over.
	patrolEvery = 250 * time.Millisecond
	// appendsAtOnce bounds how many late sagas are ended at once.
	appendsAtOnce = 64
	// appendTime bounds one append.
	appendTime = 5 * time.Second
)

// patrol ends late sagas until ctx ends.
func (w watchdog) patrol(ctx context.Context) {
	ticker := time.NewTicker(patrolEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			w.round(ctx, now)
		}
	}
}

// round ends every saga that is late now, or as many as it can until ctx ends.
func (w watchdog) round(ctx context.Context, now time.Time) {
	toFail, toReport := w.sagas.late(now)
	for _, s := range toReport {
		w.log.Error().Str("saga", s.key.Saga).Str("event", string(s.last)).
			Msg("the user is created, but the saga has not completed by its deadline: is the code-checker running?")
	}
	queue := make(chan openSaga)
	var failing sync.WaitGroup
	for range min(appendsAtOnce, len(toFail)) {
		failing.Go(func() {
			for s := range queue {
				w.fail(ctx, s)
			}
		})
	}
	for _, s := range toFail {
		if ctx.Err() != nil {
			break
		}
		queue <- s
	}
	close(queue)
	failing.Wait()
}

// fail appends failed behind the saga's last event. Whatever goes wrong is
// tried again in the next round, unless the saga has moved on: then its next
// event arrives here too.
func (w watchdog) fail(ctx context.Context, s openSaga) {
	log := w.log.With().Str("saga", s.key.Saga).Str("event", string(s.last)).Logger()
	data, err := json.Marshal(event.NewEnded(s.userID, event.StepWatchdog, event.CodeDeadlineExceeded))
	if err != nil {
		log.Error().Err(err).Msg("cannot encode the end of a late saga")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, appendTime)
	defer cancel()
	meta, span := saga.StartSend(ctx, w.tracer, event.Meta{
		ID: s.key.Saga + "." + string(event.TypeFailed), Source: "/create-user/" + event.StepWatchdog, Type: event.TypeFailed,
		Time: time.Now(), Saga: s.key.Saga, Deadline: s.meta.Deadline, Requested: s.meta.Requested, Causation: s.meta.ID,
		TraceParent: s.meta.TraceParent, TraceState: s.meta.TraceState,
	})
	err = w.history.Append(ctx, meta, s.key, data, s.sequence)
	saga.EndSend(span, err)
	switch {
	case err == nil:
		w.observer.Appended(saga.Appended{
			Type: event.TypeFailed, Code: event.CodeDeadlineExceeded, Hop: time.Since(s.stored), Requested: s.meta.Requested,
		})
		log.Info().Str("code", string(event.CodeDeadlineExceeded)).Msg("late saga ended")
	case errors.Is(err, saga.ErrMoved):
		log.Debug().Msg("late saga has moved on")
	default:
		log.Warn().Err(err).Msg("cannot end a late saga yet")
	}
}
