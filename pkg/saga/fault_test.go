package saga_test

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// fault is what becomes of an append on its way.
type fault int

const (
	none fault = iota
	requestLost
	answerLost
)

// faulty loses what the model says of an append.
type faulty struct {
	jetstream.JetStream
	m *model
}

func (f *faulty) PublishMsgAsync(msg *nats.Msg, opts ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	fault := f.m.fault
	f.m.fault = none
	if fault == none {
		return f.JetStream.PublishMsgAsync(msg, opts...)
	}
	if fault == answerLost {
		if _, err := f.JetStream.PublishMsg(context.Background(), msg, opts...); err != nil {
			return nil, fmt.Errorf("lost anyway: %w", err)
		}
	}
	future := make(lost, 1)
	future <- jetstream.ErrAsyncPublishTimeout
	return future, nil
}

// lost is the future of an append whose answer never comes.
type lost chan error

func (l lost) Ok() <-chan *jetstream.PubAck { return nil }
func (l lost) Err() <-chan error            { return l }
func (l lost) Msg() *nats.Msg               { return nil }
