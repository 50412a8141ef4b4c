package streams

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// target is one stream or consumer that is brought in line with its
// declaration. T is its configuration.
type target[T any] struct {
	fields []string // what is declared
	want   T
	// get reads the server's configuration; it fails with missing when there is none.
	get     func(context.Context) (T, error)
	missing error
	// create fails with taken when there is one already that differs.
	create func(context.Context, T) (T, error)
	taken  error
	update func(context.Context, T) (T, error)
	// settle returns what is wanted of one that exists.
	settle func(have T) T
	// conflict returns why a drift cannot be mended, nil when it can.
	conflict func(Drift) *Conflict
}

// How long one attempt to converge waits for its answers, and how many attempts
// are made. Of several creations of one thing at once a cluster answers only
// one, so an answer that does not come is usual, and looking again finds what
// the others have made.
const (
	attemptWait = 2 * time.Second
	attempts    = 15
)

// converge creates what is missing and updates what differs. The drifts are
// those that were mended or, with Refused, all that were found. The action is
// empty when it failed.
func (t target[T]) converge(ctx context.Context) (Action, []Drift, error) {
	for n := 1; ; n++ {
		action, drifts, err := t.attempt(ctx)
		switch {
		case !unanswered(err):
			return action, drifts, err
		case ctx.Err() != nil:
			return "", nil, fmt.Errorf("wait for JetStream's answer: %w", ctx.Err())
		case n == attempts:
			return "", nil, fmt.Errorf("no answer from JetStream in %v: %w", attempts*attemptWait, err)
		}
	}
}

func (t target[T]) attempt(ctx context.Context) (Action, []Drift, error) {
	ctx, cancel := context.WithTimeout(ctx, attemptWait)
	defer cancel()
	have, err := t.get(ctx)
	if errors.Is(err, t.missing) {
		have, err = t.create(ctx, t.want)
		if err == nil {
			return Created, nil, verify(t.fields, t.want, have)
		}
		if errors.Is(err, t.taken) { // another process was faster
			have, err = t.get(ctx)
		}
	}
	if err != nil {
		return "", nil, err
	}
	t.want = t.settle(have) // t is a copy: another attempt begins with what is declared
	drifts, err := compare(t.fields, t.want, have)
	switch {
	case err != nil:
		return "", nil, err
	case len(drifts) == 0:
		return Unchanged, nil, nil
	}
	if conflicts := t.conflicts(drifts); len(conflicts) > 0 {
		return Refused, drifts, errors.Join(conflicts...)
	}
	return t.mend(ctx, have, drifts)
}

func (t target[T]) conflicts(drifts []Drift) []error {
	var list []error
	for _, d := range drifts {
		if c := t.conflict(d); c != nil {
			list = append(list, c)
		}
	}
	return list
}

func (t target[T]) mend(ctx context.Context, have T, drifts []Drift) (Action, []Drift, error) {
	merged, err := overlay(t.fields, t.want, have)
	if err != nil {
		return "", nil, err
	}
	have, err = t.update(ctx, merged)
	if err != nil {
		return "", nil, err
	}
	return Updated, drifts, verify(t.fields, t.want, have)
}

// verify reports settings that the server took without applying them, as one
// does that is too old to know them.
func verify[T any](fields []string, want, have T) error {
	drifts, err := compare(fields, want, have)
	if err != nil {
		return err
	}
	if len(drifts) > 0 {
		return fmt.Errorf("the server answered success, yet %s: it may be too old to know the setting", drifts[0])
	}
	return nil
}

func applyStream(ctx context.Context, js jetstream.JetStream, s Stream, options Options) (Change, error) {
	type config = jetstream.StreamConfig
	var found *jetstream.StreamInfo
	answer := func(stream jetstream.Stream, err error) (config, error) {
		if err != nil {
			return config{}, err
		}
		found = stream.CachedInfo()
		return found.Config, nil
	}
	t := target[config]{
		fields:   s.fields,
		want:     s.Config,
		get:      func(ctx context.Context) (config, error) { return answer(js.Stream(ctx, s.Config.Name)) },
		missing:  jetstream.ErrStreamNotFound,
		create:   func(ctx context.Context, c config) (config, error) { return answer(js.CreateStream(ctx, c)) },
		taken:    jetstream.ErrStreamNameAlreadyInUse,
		update:   func(ctx context.Context, c config) (config, error) { return answer(js.UpdateStream(ctx, c)) },
		settle:   func(have config) config { return s.atLeast(have, options) },
		conflict: func(d Drift) *Conflict { return streamConflict(d, s.Config, found) },
	}
	action, drifts, err := t.converge(ctx)
	return Change{Stream: s.Config.Name, Action: action, Drift: drifts}, err
}

func applyConsumer(ctx context.Context, js jetstream.JetStream, c Consumer) (Change, error) {
	type config = jetstream.ConsumerConfig
	answer := func(consumer jetstream.Consumer, err error) (config, error) {
		if errors.Is(err, jetstream.ErrNotPullConsumer) {
			return config{}, fmt.Errorf("%w: %s", err, recreate(c))
		}
		if err != nil {
			return config{}, err
		}
		return consumer.CachedInfo().Config, nil
	}
	t := target[config]{
		fields:  c.fields,
		want:    c.Config,
		get:     func(ctx context.Context) (config, error) { return answer(js.Consumer(ctx, c.Stream, c.Config.Durable)) },
		missing: jetstream.ErrConsumerNotFound,
		create: func(ctx context.Context, n config) (config, error) {
			return answer(js.CreateConsumer(ctx, c.Stream, n))
		},
		taken: jetstream.ErrConsumerExists,
		update: func(ctx context.Context, n config) (config, error) {
			return answer(js.UpdateConsumer(ctx, c.Stream, n))
		},
		settle:   func(config) config { return c.Config },
		conflict: func(d Drift) *Conflict { return consumerConflict(d, c) },
	}
	action, drifts, err := t.converge(ctx)
	return Change{Stream: c.Stream, Consumer: c.Config.Durable, Action: action, Drift: drifts}, err
}
