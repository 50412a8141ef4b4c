package saga

import (
	"context"
	"math"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Fault is what becomes of an append on its way.
type Fault int

// The faults.
const (
	NoFault Fault = iota
	RequestLost
	AnswerLost
)

// Lossy is an outbox that loses what a test says of the next append.
type Lossy struct {
	*outbox
	Fault Fault
	lost  map[uint64]bool // since the last reset
}

// OpenLossy opens an outbox of appends that may get lost, for rounds of so many.
func OpenLossy(conn *nats.Conn, appends int) (*Lossy, error) {
	out, err := openOutbox(conn, appends)
	return &Lossy{outbox: out}, err
}

// Close ends it.
func (l *Lossy) Close() { l.close() }

func (l *Lossy) reset() {
	l.outbox.reset()
	l.lost = map[uint64]bool{}
}

// noNumber is that of an append that was never sent.
const noNumber = math.MaxUint64

func (l *Lossy) begin(m event.Meta, k event.Key, data []byte, after uint64) (uint64, error) {
	fault := l.Fault
	l.Fault = NoFault
	if fault == RequestLost {
		return noNumber, nil
	}
	n, err := l.outbox.begin(m, k, data, after)
	if err == nil && fault == AnswerLost {
		_ = l.outbox.wait(context.Background(), n) // whatever it says is lost
		l.lost[n] = true
	}
	return n, err
}

func (l *Lossy) wait(ctx context.Context, n uint64) error {
	if n == noNumber || l.lost[n] {
		return jetstream.ErrAsyncPublishTimeout
	}
	return l.outbox.wait(ctx, n)
}
