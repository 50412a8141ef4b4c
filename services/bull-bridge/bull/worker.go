package bull

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"
)

// Handler does the work of one job. What it returns is the job's value, which
// must marshal to JSON. An error is a failed attempt, unless it is of [Postpone].
//
// ctx ends when the job is not this worker's any more, or when the worker must
// stop: then the job waits again and the attempt does not count.
type Handler func(ctx context.Context, job Job) (any, error)

// postponed is an error that does not count as an attempt.
type postponed struct {
	error
	wait time.Duration
}

// Postpone returns an error after which a job is tried again in wait, however
// many attempts it may have.
func Postpone(err error, wait time.Duration) error { return postponed{err, wait} }

func (p postponed) Unwrap() error { return p.error }

// Options of a worker. Every field but Limit and Observe is required.
type Options struct {
	Redis       redis.UniversalClient
	Prefix      string // of all keys; Bull's own default is "bull"
	Queue       string
	Concurrency int           // jobs at work at once
	Lock        time.Duration // how long a job counts as alive without a sign of its worker
	Check       time.Duration // between two looks for stalled jobs
	Grace       time.Duration // for the jobs at work at a stop
	Limit       Limit
	Observe     func(End) // called for each job whose work has ended; may be nil
	Logger      zerolog.Logger
}

// End is how the work on a job has ended.
type End string

// The ends.
const (
	Completed End = "completed"
	Failed    End = "failed"
	Retried   End = "retried"   // a failed attempt that is not the last
	Postponed End = "postponed" // see [Postpone]
	Released  End = "released"  // the worker had to stop
	Lost      End = "lost"      // removed, taken over, or not settled: it stalls, and is taken again
)

// Ends returns all ends.
func Ends() []End { return []End{Completed, Failed, Retried, Postponed, Released, Lost} }

// worker is at work on one queue.
type worker struct {
	Options
	queue  *queue
	handle Handler
	slots  chan struct{} // one for each job at work

	mu      sync.Mutex
	tasks   map[string]*task // at work, by job id; guarded by mu
	working sync.WaitGroup   // of the jobs at work
}

// Work works on a queue until ctx ends, and then waits for the jobs at work, for
// [Options].Grace at most. While Redis is away it tries again.
func Work(ctx context.Context, o Options, handle Handler) {
	w := &worker{
		Options: o, handle: handle,
		queue: newQueue(o.Redis, o.Prefix, o.Queue, o.Lock, o.Limit),
		slots: make(chan struct{}, o.Concurrency),
		tasks: make(map[string]*task),
	}
	alive, end := context.WithCancel(context.WithoutCancel(ctx))
	var upkeep sync.WaitGroup
	upkeep.Go(func() { w.every(alive, o.Lock/4, w.renew) })
	upkeep.Go(func() { w.every(ctx, o.Check, w.recover) })
	upkeep.Go(func() { w.promote(ctx) })
	w.fetch(ctx)
	w.stop()
	end()
	upkeep.Wait()
}

const (
	popTime = time.Second            // how long one wait for a job takes; a stop waits for it
	mostNew = 16                     // jobs taken at once: each may be a megabyte
	again   = 250 * time.Millisecond // after Redis did not answer
	guard   = 5 * time.Second        // between two looks for delayed jobs, whatever was heard
)

// fetch takes jobs until ctx ends. While none wait it blocks on the list.
func (w *worker) fetch(ctx context.Context) {
	idle := true
	for w.awaitSlot(ctx) {
		var popped string
		var err error
		calm := context.WithoutCancel(ctx) // what was just taken must not be forgotten
		if idle {
			popped, err = w.queue.pop(calm, popTime)
		}
		if err == nil && (!idle || popped != "") {
			idle, err = w.take(ctx, calm, popped)
		}
		if err != nil {
			w.Logger.Warn().Err(err).Msg("cannot take jobs: trying again")
			pause(ctx, again)
		}
	}
}

// awaitSlot waits until one more job may be at work. It returns false when ctx
// has ended.
func (w *worker) awaitSlot(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	select {
	case w.slots <- struct{}{}:
		<-w.slots // it stays free: fetch alone takes slots
		return true
	case <-ctx.Done():
		return false
	}
}

// take starts the work on waiting jobs, as many as there are free slots, and
// waits as the rate limit wants. It reports whether no job waited.
func (w *worker) take(ctx, calm context.Context, popped string) (idle bool, err error) {
	free := min(cap(w.slots)-len(w.slots), mostNew)
	jobs, limited, err := w.queue.take(calm, popped, free, time.Now())
	if err != nil {
		return false, err
	}
	for _, job := range jobs {
		w.start(calm, job)
	}
	if limited > 0 {
		pause(ctx, limited)
		return false, nil
	}
	return len(jobs) == 0 && popped == "", nil
}

// every calls f at each interval until ctx ends.
func (w *worker) every(ctx context.Context, interval time.Duration, f func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			w.Logger.Warn().Err(err).Msg("Redis does not answer: trying again")
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// renew renews the locks of all jobs at work, and ends the work on those that
// are lost.
func (w *worker) renew(ctx context.Context) error {
	tasks := w.atWork()
	if len(tasks) == 0 {
		return nil
	}
	lost, err := w.queue.renew(ctx, slices.Collect(maps.Keys(tasks)))
	for _, id := range lost {
		tasks[id].cancel(errLost) // unless it was just settled, which does no harm
		w.forget(id, tasks[id])
	}
	return err
}

// recover lets jobs wait again whose worker has gone.
func (w *worker) recover(ctx context.Context) error {
	stalled, err := w.queue.recover(ctx, time.Now(), w.Check)
	for _, id := range stalled {
		w.Logger.Warn().Str("job", id).Msg("a job had stalled: it waits again")
	}
	return err
}

// promote lets delayed jobs wait once they are due, until ctx ends. Whoever
// delays a job says so on a channel.
func (w *worker) promote(ctx context.Context) {
	heard := w.Redis.Subscribe(ctx, w.queue.base+"delayed")
	defer func() { _ = heard.Close() }() // there is nothing to lose
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-heard.Channel():
		case <-timer.C:
		}
		next, err := w.queue.promote(ctx, time.Now(), guard)
		if err != nil {
			next = again
			if ctx.Err() == nil {
				w.Logger.Warn().Err(err).Msg("Redis does not answer: trying again")
			}
		}
		timer.Reset(max(next, time.Millisecond))
	}
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
