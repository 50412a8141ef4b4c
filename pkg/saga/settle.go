package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
)

// appending is an append in flight.
type appending[In event.Body] struct {
	m      *message[In]
	meta   event.Meta
	code   event.Code // when it ends the saga
	data   []byte
	number uint64     // in the loop's outbox
	span   trace.Span // nil when nothing is traced
	err    error      // of beginning it
}

// settle carries out what follows from the results of a batch: it appends all
// that is to be appended at once, waits, and acks. It returns the events that
// stay in hand because something they need is away. It takes HandleTimeout at
// most, so that no ack wait ends over a store that does not answer.
func (r *runner[In, Out]) settle(ctx context.Context, batch []*message[In], results []Result[Out]) (held []*message[In]) {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.HandleTimeout)
	defer cancel()
	r.out.reset()
	appends := make([]appending[In], 0, len(batch))
	for i, m := range batch {
		d := r.decide(m, results[i].Err)
		r.report(m, d, results[i].Err)
		traceDecision(m, d)
		switch d.verdict {
		case appendNext:
			appends = append(appends, r.append(ctx, m, results[i].Next))
		case appendFailed:
			appends = append(appends, r.append(ctx, m, r.failed(m, d)))
		case deadLetter:
			if !r.bury(ctx, m, d.reason, results[i].Err) {
				held = append(held, m)
			}
		case retryLater:
			r.nak(m, d.delay)
			r.observer.Settled(SettledRetry)
		case hold:
			held = append(held, m)
		}
	}
	for _, a := range appends {
		if !r.conclude(ctx, a) {
			held = append(held, a.m)
		}
	}
	return held
}

// conclude waits for an append and settles its event. It reports whether the
// event is out of hand.
func (r *runner[In, Out]) conclude(ctx context.Context, a appending[In]) bool {
	err := r.finish(ctx, a)
	switch {
	case err == nil:
		r.ack(a.m)
		r.observer.Settled(r.observeAppend(a))
		r.after(ctx, a)
		return true
	case errors.Is(err, errHadFailed):
		r.ack(a.m)
		r.observer.Settled(SettledSuperseded)
		return true
	case is[poison](err):
		return r.bury(ctx, a.m, event.ReasonPoison, err)
	case errors.Is(err, ErrNoEvent):
		// The event itself is gone from the store, or has not reached the replica
		// that was asked: in the latter case alone it comes again.
		r.logOf(a.m).Warn().Err(err).Msg("nothing to append behind")
		r.nak(a.m, backoff(a.m.Delivery))
		r.observer.Settled(SettledRetry)
		return true
	}
	r.logOf(a.m).Warn().Err(err).Msg("cannot append yet")
	return false
}

func (r *runner[In, Out]) decide(m *message[In], err error) decision {
	return decide(situation{
		err:       err,
		beforeEnd: r.mayFail,
		delivery:  m.Delivery,
		limit:     r.cfg.DeliveryLimit,
		late:      r.late(m),
	})
}

// failed returns the terminal event for a decision.
func (r *runner[In, Out]) failed(m *message[In], d decision) event.Ended {
	ended := event.NewEnded(m.Body.UserID(), r.step.Name, d.code)
	ended.Of = d.of
	return ended
}

// append begins the append of the event that follows m. A step that appends
// nothing has nothing in flight.
func (r *runner[In, Out]) append(ctx context.Context, m *message[In], body event.Body) appending[In] {
	a := appending[In]{m: m}
	t := body.EventType()
	if t == "" {
		return a
	}
	a.meta, a.span = StartSend(m.inSpan(ctx), r.cfg.Tracer, r.next(m, t))
	data, err := json.Marshal(body)
	if err != nil {
		a.err = Poison(fmt.Errorf("encode %s: %w", t, err))
		return a
	}
	a.data = data
	if ended, ok := body.(event.Ended); ok {
		a.code = ended.Code
	}
	a.number, err = r.out.begin(a.meta, m.Key, data, m.after)
	a.err = appendError(t, err)
	return a
}

// finish waits for an append and, when it was lost, finds out what that means.
// Poison means that it can never be stored, any other error that it is still open.
func (r *runner[In, Out]) finish(ctx context.Context, a appending[In]) (err error) {
	if a.meta.Type == "" {
		return nil
	}
	defer func() { EndSend(a.span, err) }()
	err = a.err
	if err == nil {
		err = appendError(a.meta.Type, r.out.wait(ctx, a.number))
		a.m.appended = err == nil
	}
	if err == nil || is[poison](err) {
		return err
	}
	return r.resolve(ctx, a, err)
}

// errHadFailed says that the saga had failed before the append, and that the
// step's effect is undone: nothing is left to do.
var errHadFailed = errors.New("the saga had failed")

// resolveTries is how often an append whose place is still free is tried again
// before the event is held.
const resolveTries = 3

// resolve decides what a lost append means, by the saga's last event: a later
// one means the work is done, failed that it must be undone, and no change that
// the event is appended again.
func (r *runner[In, Out]) resolve(ctx context.Context, a appending[In], lost error) error {
	for range resolveTries {
		t, sequence, err := r.store.Position(ctx, a.m.Key)
		switch {
		case errors.Is(err, ErrNoEvent) && a.m.after == 0, err == nil && sequence <= a.m.after:
			err = r.store.Append(ctx, a.meta, a.m.Key, a.data, a.m.after)
			lost = err
			a.m.appended = err == nil
		case err == nil && t == event.TypeFailed:
			if err := r.undo(ctx, a.m); err != nil {
				return err
			}
			return errHadFailed
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, ErrMoved) {
			return errors.Join(lost, err)
		}
	}
	return lost
}

// after tidies up behind an append, as far as the step does. A panic there is
// for the log alone: the event is settled.
func (r *runner[In, Out]) after(ctx context.Context, a appending[In]) {
	if r.step.After == nil || a.meta.Type != r.appends {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			r.logOf(a.m).Error().Err(recovered(p)).Msg("cannot tidy up")
		}
	}()
	r.step.After(ctx, a.m.Event)
}

// undo takes back the step's effect for a saga that has failed. What could
// never be read has had no effect.
func (r *runner[In, Out]) undo(ctx context.Context, m *message[In]) (err error) {
	if r.step.Undo == nil || is[poison](m.broken) {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("undo: %w", recovered(p))
		}
	}()
	if err := r.step.Undo(ctx, m.Event); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	r.logOf(m).Info().Msg("the saga had failed: effect undone")
	return nil
}

// report logs what became of an event, when it is worth a line.
func (r *runner[In, Out]) report(m *message[In], d decision, err error) {
	if d.verdict == appendNext {
		return
	}
	level := zerolog.WarnLevel
	if d.verdict == appendFailed {
		level = zerolog.InfoLevel
	}
	line := r.logOf(m).WithLevel(level).Stringer("verdict", d.verdict).Int("delivery", m.Delivery).Err(err)
	if d.code != "" {
		line = line.Str("code", string(d.code))
	}
	if d.delay > 0 {
		line = line.Dur("delay_ms", d.delay.Round(time.Millisecond))
	}
	line.Msg("event was not handled forward")
}

// logOf returns a logger that names the saga and the event.
func (r *runner[In, Out]) logOf(m *message[In]) *zerolog.Logger {
	l := r.log.With().Str("saga", m.Saga).Str("event", string(m.kind)).Logger()
	return &l
}
