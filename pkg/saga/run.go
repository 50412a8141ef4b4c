package saga

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
)

// Config is what the steps of a service share. Zero values are usable, except
// JetStream and DeadLetters.
type Config struct {
	// JetStream must have been made with [jetstream.WithPublishAsyncTimeout]: an
	// append whose answer is lost would stay in its memory otherwise.
	JetStream   jetstream.JetStream
	DeadLetters *event.Sealer // seals dead letters to the operators' key
	Logger      zerolog.Logger

	// Batch is how many events are handled together at most. Default 64.
	Batch int
	// Loops is how many batches are in hand at once. Default 4.
	Loops int
	// HandleTimeout bounds one call of a handler, and then one round of appends.
	// It must be well below the consumer's ack wait: a quarter at most. Default 5 s.
	HandleTimeout time.Duration
	// DeliveryLimit is how often an event is delivered before it is
	// dead-lettered. Default 10.
	DeliveryLimit int
	// Deadline is how long after its request a saga may take. Default 2 min.
	Deadline time.Duration
	// MaxDeadline bounds the deadline that a request may ask for. Default 1 h.
	MaxDeadline time.Duration
	// Grace is how long a stopping runner may take to finish what it has in
	// hand. Default 8 s.
	Grace time.Duration

	// Tracer makes the spans of what the runners do. Nil: nothing is traced, and the
	// trace of each request is only handed on.
	Tracer trace.Tracer
	// Observe returns what observes the runner of a step. Nil: nobody does.
	Observe func(step string) Observer
}

// Observer returns what observes a step.
func (c Config) Observer(step string) Observer {
	if c.Observe == nil {
		return unobserved{}
	}
	return c.Observe(step)
}

func (c Config) withDefaults() Config {
	c.Batch = orDefault(c.Batch, 64)
	c.Loops = orDefault(c.Loops, 4)
	c.HandleTimeout = orDefault(c.HandleTimeout, 5*time.Second)
	c.DeliveryLimit = orDefault(c.DeliveryLimit, 10)
	c.Deadline = orDefault(c.Deadline, 2*time.Minute)
	c.MaxDeadline = orDefault(c.MaxDeadline, time.Hour)
	c.Grace = orDefault(c.Grace, 8*time.Second)
	return c
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// runner runs one step. Its fields do not change once it runs. Each loop has a copy
// with an outbox of its own.
type runner[In, Out event.Body] struct {
	cfg      Config
	step     Step[In, Out]
	consumes event.Type // failed stands for both terminal events
	appends  event.Type // when all goes well; empty: nothing
	mayFail  bool       // what the step consumes stands before the pivot
	source   string
	store    *Store
	out      appender                                // of the loop
	publish  func(subject string, data []byte) error // without an answer
	observer Observer
	log      zerolog.Logger
}

// Run runs step until ctx ends, then finishes what it has in hand and returns
// nil. It waits for the event store and the step's consumer to appear; its only
// errors are those of a step that is not in the path and of a Config that lacks
// what it needs.
func Run[In, Out event.Body](ctx context.Context, cfg Config, step Step[In, Out]) error {
	r, err := newRunner(cfg, step)
	if err != nil {
		return err
	}
	if r.awaitConsumer(ctx) != nil {
		return nil // stopped before the consumer appeared
	}
	r.log.Info().Int("loops", r.cfg.Loops).Int("batch", r.step.Batch).Msg("step is running")

	// In-hand work outlives ctx by at most the grace period.
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(r.cfg.Grace, cancel) })
	defer stop()

	var loops sync.WaitGroup
	for range r.cfg.Loops {
		loops.Go(func() { r.open(ctx, work) })
	}
	loops.Wait()
	r.log.Info().Msg("step has stopped")
	return nil
}

func newRunner[In, Out event.Body](cfg Config, step Step[In, Out]) (*runner[In, Out], error) {
	var in In
	r := &runner[In, Out]{cfg: cfg.withDefaults(), step: step, consumes: in.EventType()}
	for _, s := range event.Path() {
		if s.Name == step.Name {
			r.source, r.appends = "/create-user/"+s.Service, s.Appends
		}
	}
	switch {
	case r.source == "":
		return nil, fmt.Errorf("step %q is not in the path", step.Name)
	case cfg.JetStream == nil || cfg.DeadLetters == nil:
		return nil, fmt.Errorf("step %q: Config needs JetStream and DeadLetters", step.Name)
	}
	if step.Decode == nil {
		r.step.Decode = decodeJSON[In]
	}
	r.step.Batch = orDefault(step.Batch, r.cfg.Batch)
	r.mayFail = r.consumes.BeforePivot()
	r.store = NewStore(cfg.JetStream)
	r.publish = cfg.JetStream.Conn().Publish
	r.observer = r.cfg.Observer(step.Name)
	r.log = cfg.Logger.With().Str("step", step.Name).Logger()
	return r, nil
}

// awaitConsumer waits for the step's durable consumer. It fails only when ctx
// ends.
func (r *runner[In, Out]) awaitConsumer(ctx context.Context) error {
	for {
		_, err := r.cfg.JetStream.Consumer(ctx, r.stream(), r.step.Name)
		if err == nil {
			return nil
		}
		r.log.Warn().Err(err).Str("stream", r.stream()).
			Msg(`no consumer yet; if this persists, run "createuser streams apply"`)
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// stream returns the stream that the step takes from.
func (r *runner[In, Out]) stream() string {
	if r.consumes == event.TypeRequested {
		return event.StreamRequests
	}
	return event.StreamEvents
}

// pause waits for d or the end of ctx, whose error it returns.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
