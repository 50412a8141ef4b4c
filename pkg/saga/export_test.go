package saga

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
)

// Delivery is one delivery, driven by hand through what Run does in a loop, so
// that a test decides what comes between.
type Delivery struct {
	Handle func(context.Context)
	Settle func(context.Context) (held bool)
}

// Drive returns what takes the deliveries of a step, whose appends go out through
// out. What the step tells the server of a delivery goes to tell, with the
// delivery's reply subject.
func Drive[In, Out event.Body](cfg Config, step Step[In, Out], out *Lossy, tell func(reply, word string)) (take func(*nats.Msg) Delivery, err error) {
	r, err := newRunner(cfg, step)
	if err != nil {
		return nil, err
	}
	r.out = out
	r.publish = func(reply string, word []byte) error { tell(reply, string(word)); return nil }
	return func(msg *nats.Msg) Delivery {
		batch := []*message[In]{r.read(msg)}
		var results []Result[Out]
		return Delivery{
			Handle: func(ctx context.Context) { results = r.handle(ctx, batch) },
			Settle: func(ctx context.Context) bool { return len(r.settle(ctx, batch, results)) > 0 },
		}
	}, nil
}

// Begin begins an append.
func (l *Lossy) Begin(m event.Meta, k event.Key, data []byte, after uint64) (uint64, error) {
	return l.begin(m, k, data, after)
}

// Wait waits for the append with number n.
func (l *Lossy) Wait(ctx context.Context, n uint64) error { return l.wait(ctx, n) }

// Reset forgets the appends so far.
func (l *Lossy) Reset() { l.reset() }
