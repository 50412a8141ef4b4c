package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Options are what a deployment decides. The zero value takes the declarations
// as they stand, as the least that each stream has.
type Options struct {
	// Replicas is how many servers keep each stream, 1 to 5. Zero: as declared,
	// or more where a stream has more. Suggested variable: STREAM_REPLICAS.
	Replicas int
	// Store is how many bytes of disk on each server all streams together may
	// fill, shared among them in the declared proportion. The server reserves
	// them. Zero: as declared, or more where a stream has more. Suggested
	// variable: STREAM_STORE.
	Store int64
	// Relay also creates the consumer that a notifier in relay mode takes from.
	Relay bool
}

// Action is what became of a stream or a consumer.
type Action string

// What [Apply] can do.
const (
	Created   Action = "created" // another process that applies at once may say so too
	Updated   Action = "updated"
	Unchanged Action = "unchanged"
	Refused   Action = "refused" // see the Conflict in the error
)

// Change is what [Apply] did about one stream or consumer.
type Change struct {
	Stream   string
	Consumer string // empty: the stream itself
	Action   Action
	Drift    []Drift // what was mended, or refused
}

// Report lists what [Apply] did, streams first, in the order of declaration.
type Report []Change

// Apply brings the server behind js in line with the built-in declarations. It
// stops at the first failure; a [*Conflict] is none: it is reported at the end,
// joined with the others. The report says what was done, with an error too.
func Apply(ctx context.Context, js jetstream.JetStream, options Options) (Report, error) {
	d, err := Load()
	if err != nil {
		return nil, err
	}
	return d.Apply(ctx, js, options)
}

// Apply is [Apply] for d.
func (d Declarations) Apply(ctx context.Context, js jetstream.JetStream, options Options) (Report, error) {
	sized, err := d.sized(options)
	if err != nil {
		return nil, err
	}
	var report Report
	var conflicts []error
	note := func(c Change, err error) error {
		if c.Action != "" {
			report = append(report, c)
		}
		if _, ok := errors.AsType[*Conflict](err); ok {
			conflicts = append(conflicts, err)
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", label(c.Stream, c.Consumer), explain(err))
		}
		return nil
	}
	for _, s := range sized.Streams {
		if err := note(applyStream(ctx, js, s, options)); err != nil {
			return report, errors.Join(append(conflicts, err)...)
		}
	}
	for _, c := range sized.Consumers {
		if c.RelayOnly() && !options.Relay {
			continue
		}
		if err := note(applyConsumer(ctx, js, c)); err != nil {
			return report, errors.Join(append(conflicts, err)...)
		}
	}
	return report, errors.Join(conflicts...)
}
