package bull

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
)

// errStop ends the work on a job when the worker must stop.
var errStop = errors.New("the worker stops")

// task is the work on one job.
type task struct{ cancel context.CancelCauseFunc }

// start begins the work on a job in a free slot.
func (w *worker) start(ctx context.Context, job Job) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &task{cancel: cancel}
	w.mu.Lock()
	w.tasks[job.ID] = t
	w.mu.Unlock()
	w.slots <- struct{}{}
	w.working.Go(func() {
		defer func() { <-w.slots }()
		defer w.forget(job.ID, t)
		value, err := w.do(ctx, job)
		w.settle(ctx, job, value, err)
	})
}

// forget ends a task that is over. The job may be at work again, as another task.
func (w *worker) forget(id string, t *task) {
	t.cancel(nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.tasks[id] == t {
		delete(w.tasks, id)
	}
}

// atWork returns the tasks at work, by job id.
func (w *worker) atWork() map[string]*task {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.tasks)
}

// stop waits for the jobs at work; after the grace it ends the work on them.
func (w *worker) stop() {
	timer := time.AfterFunc(w.Grace, func() {
		for _, t := range w.atWork() {
			t.cancel(errStop)
		}
	})
	defer timer.Stop()
	w.working.Wait()
}

// do runs the handler, and returns the value as JSON.
func (w *worker) do(ctx context.Context, job Job) (value []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			w.Logger.Error().Str("job", job.ID).Msg("the handler of a job panicked")
			err = errors.New("the handler panicked")
		}
	}()
	result, err := w.handle(ctx, job)
	if err != nil {
		return nil, err
	}
	if value, err = json.Marshal(result); err != nil {
		return nil, fmt.Errorf("encode the value: %w", err)
	}
	return value, nil
}

// settle gives a job the state that its work came to. While Redis is away it
// tries again, for as long as the job is ours.
func (w *worker) settle(ctx context.Context, job Job, value []byte, err error) {
	end := verdict(context.Cause(ctx), job, err)
	if end == Failed || end == Retried {
		w.Logger.Warn().Err(err).Str("job", job.ID).Int("attempt", job.AttemptsMade+1).Msg("an attempt at a job has failed")
	}
	calm := context.WithoutCancel(ctx) // a stop lets the last try be made
	for {
		problem := w.put(calm, job, end, value, err)
		switch {
		case problem == nil:
			w.ended(end)
			return
		case errors.Is(problem, errLost):
			w.Logger.Warn().Str("job", job.ID).Msg("a job was removed or taken over while it was at work")
			w.ended(Lost)
			return
		}
		w.Logger.Warn().Err(problem).Str("job", job.ID).Msg("cannot settle a job")
		if ctx.Err() != nil { // its lock expires, and another worker takes it
			w.ended(Lost)
			return
		}
		pause(ctx, again)
	}
}

func (w *worker) ended(end End) {
	if w.Observe != nil {
		w.Observe(end)
	}
}

// verdict decides what becomes of a job: that is the whole policy. cause is why
// the work on it was ended, if it was; err is what the handler returned.
func verdict(cause error, job Job, err error) End {
	switch {
	case err == nil:
		return Completed
	case errors.Is(cause, errLost):
		return Lost
	case cause != nil:
		return Released
	case isPostponed(err):
		return Postponed
	case job.AttemptsMade+1 < job.options.attempts:
		return Retried
	}
	return Failed
}

func isPostponed(err error) bool {
	_, ok := errors.AsType[postponed](err)
	return ok
}

// put puts a job where its end belongs.
func (w *worker) put(ctx context.Context, job Job, end End, value []byte, err error) error {
	now := time.Now()
	switch end {
	case Completed:
		return w.queue.complete(ctx, job, string(value), now)
	case Failed:
		return w.queue.fail(ctx, job, err.Error(), now)
	case Retried:
		return w.queue.retry(ctx, job, err.Error(), now)
	case Postponed:
		later, _ := errors.AsType[postponed](err)
		return w.queue.delay(ctx, job, now.Add(later.wait))
	case Released:
		return w.queue.release(ctx, job)
	}
	return errLost
}
