package saga

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// take takes up to n events: what is there now, or, unless hurry is set, the
// first to come within takeWait. So batches form by themselves under load and
// a lone event waits for nobody.
func (r *runner[In, Out]) take(ctx context.Context, consumer jetstream.Consumer, n int, hurry bool) []*message[In] {
	if n <= 0 {
		return nil
	}
	if !r.cfg.JetStream.Conn().IsConnected() {
		_ = pause(ctx, reconnectPoll)
		return nil
	}
	taken, err := r.drain(consumer.FetchNoWait(n))
	if len(taken) == 0 && !hurry && err == nil {
		taken, err = r.drain(consumer.Fetch(1, jetstream.FetchMaxWait(takeWait)))
	}
	if err != nil {
		r.log.Warn().Err(err).Msg("cannot take events")
		_ = pause(ctx, reconnectPoll)
	}
	return taken
}

// takeWait is how long a loop waits for an event at a time. A stop waits it
// out, because a delivery to a fetch that was cancelled would be lost until the
// ack wait ends.
const takeWait = time.Second

// reconnectPoll is how often a loop looks whether events can be taken again.
const reconnectPoll = 200 * time.Millisecond

// drain reads the messages of a fetch until it ends.
func (r *runner[In, Out]) drain(batch jetstream.MessageBatch, err error) ([]*message[In], error) {
	if err != nil {
		return nil, err
	}
	var taken []*message[In]
	for msg := range batch.Messages() {
		taken = append(taken, r.read(msg))
	}
	err = batch.Error()
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
		err = nil // nothing came: not an error
	}
	return taken, err
}

// keep tells the server that held events are still in hand, so that their ack
// wait begins anew.
func (r *runner[In, Out]) keep(held []*message[In]) {
	for _, m := range held {
		if err := m.msg.InProgress(); err != nil {
			r.logOf(m).Debug().Err(err).Msg("cannot extend the ack wait")
		}
	}
}

// ack, nak and term tell the server what became of a message. A lost answer
// only costs a redelivery, so their errors are for the log alone.
func (r *runner[In, Out]) ack(m *message[In]) {
	if err := m.msg.Ack(); err != nil {
		r.logOf(m).Debug().Err(err).Msg("cannot ack")
	}
}

func (r *runner[In, Out]) nak(m *message[In], delay time.Duration) {
	if err := m.msg.NakWithDelay(delay); err != nil {
		r.logOf(m).Debug().Err(err).Msg("cannot nak")
	}
}

func (r *runner[In, Out]) term(m *message[In], reason string) {
	if err := m.msg.TermWithReason(reason); err != nil {
		r.logOf(m).Debug().Err(err).Msg("cannot term")
	}
}
