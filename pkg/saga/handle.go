package saga

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errLate = errors.New("the saga's deadline has passed")

func (r *runner[In, Out]) late(m *message[In]) bool { return time.Now().After(m.Meta.Deadline) }

// handle returns the result of each event: that of the step's handler, called
// within its timeout, or what stands in the way of calling it.
func (r *runner[In, Out]) handle(ctx context.Context, batch []*message[In]) []Result[Out] {
	results := make([]Result[Out], len(batch))
	events := make([]Event[In], 0, len(batch))
	index := make([]int, 0, len(batch)) // of each event in batch
	for i, m := range batch {
		switch {
		case m.broken != nil:
			results[i].Err = m.broken
		case r.mayFail && r.late(m):
			results[i].Err = errLate
		default:
			events, index = append(events, m.Event), append(index, i)
		}
	}
	if len(events) == 0 {
		return results
	}
	begun := time.Now()
	called := r.call(ctx, events)
	r.observer.Handled(len(events), time.Since(begun))
	for i, result := range called {
		results[index[i]] = r.checked(result)
	}
	return results
}

// checked refuses an event that is not the one which the path has the step
// append: failed after the pivot, above all.
func (r *runner[In, Out]) checked(result Result[Out]) Result[Out] {
	if t := result.Next.EventType(); result.Err == nil && t != r.appends {
		result.Err = fmt.Errorf("handler returned the event %q where the path has %q", t, r.appends)
	}
	return result
}

// call calls the step's handler within its timeout. When it panics over several
// events the culprit is unknown: each is handled again, alone.
func (r *runner[In, Out]) call(ctx context.Context, events []Event[In]) []Result[Out] {
	ctx, cancel := context.WithTimeout(ctx, r.cfg.HandleTimeout)
	defer cancel()
	results, err := r.recovering(ctx, events)
	if err == nil {
		return results
	}
	if len(events) == 1 {
		return []Result[Out]{{Err: err}}
	}
	r.log.Error().Err(err).Int("batch", len(events)).Msg("handling each event alone")
	results = results[:0]
	for i := range events {
		results = append(results, r.call(ctx, events[i:i+1])...)
	}
	return results
}

// recovering calls the step's handler. Its error is that of the call, not of
// an event.
func (r *runner[In, Out]) recovering(ctx context.Context, events []Event[In]) (results []Result[Out], err error) {
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p)
		}
	}()
	results = r.step.Handle(ctx, events)
	if len(results) != len(events) {
		return nil, fmt.Errorf("handler returned %d results for %d events", len(results), len(events))
	}
	return results, nil
}
