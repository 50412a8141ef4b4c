package console

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
)

const (
	pollEvery = 2 * time.Second
	pollTime  = 5 * time.Second // for one round
)

// consumer is what the server says of a step's consumer.
type consumer struct {
	missing     bool
	pending     uint64 // not delivered yet
	inHand      int    // delivered, not settled
	redelivered int    // of those, delivered more than once
	pulls       int    // that wait for events: 0 when nobody takes any
	floor       uint64 // every event up to this sequence is settled
	delivered   uint64 // the last event that was delivered
}

// consumers keeps watch over the consumers of the steps, and over the inbox.
type consumers struct {
	js  jetstream.JetStream
	log zerolog.Logger

	mu     sync.Mutex
	states map[string]consumer // guarded by mu; by step
	inbox  time.Time           // guarded by mu; when the oldest request was stored; zero: none waits
	failed error               // guarded by mu; of the last round
}

func newConsumers(js jetstream.JetStream, log zerolog.Logger) *consumers {
	return &consumers{js: js, log: log, states: map[string]consumer{}}
}

// watch asks again and again until ctx ends.
func (c *consumers) watch(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		c.round(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *consumers) round(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	states := map[string]consumer{}
	var failed error
	for _, step := range event.Path() {
		state, err := c.ask(ctx, step)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		states[step.Name] = state
	}
	inbox, err := c.oldest(ctx)
	failed = errors.Join(failed, err)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.states, c.inbox, c.failed = states, inbox, failed
}

func (c *consumers) ask(ctx context.Context, step event.Step) (consumer, error) {
	stream := event.StreamEvents
	if step.Name == event.StepTokenVerifier {
		stream = event.StreamRequests
	}
	handle, err := c.js.Consumer(ctx, stream, step.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		return consumer{missing: true}, nil
	}
	if err != nil {
		return consumer{}, err
	}
	info := handle.CachedInfo()
	return consumer{
		pending: info.NumPending, inHand: info.NumAckPending, redelivered: info.NumRedelivered, pulls: info.NumWaiting,
		floor: info.AckFloor.Stream, delivered: info.Delivered.Stream,
	}, nil
}

// oldest returns when the oldest request that is still in the inbox was stored.
func (c *consumers) oldest(ctx context.Context) (time.Time, error) {
	stream, err := c.js.Stream(ctx, event.StreamRequests)
	if err != nil {
		return time.Time{}, err
	}
	state := stream.CachedInfo().State
	if state.Msgs == 0 {
		return time.Time{}, nil
	}
	return state.FirstTime, nil
}

// last returns what the last round found.
func (c *consumers) last() (states map[string]consumer, inbox time.Time, failed error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.states), c.inbox, c.failed
}
