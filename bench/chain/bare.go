package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// bareMaxPending is how many messages a bare stage takes ahead, and how many of its
// appends may be in flight.
const bareMaxPending = 1024

func startBare(ctx context.Context, dial Dialer) (Ends, error) {
	var (
		running sync.WaitGroup
		started []error
	)
	for i, step := range Stages() {
		s := bareStage{next: step.Appends, first: i == 0}
		started = append(started, s.start(ctx, dial, step, &running))
	}
	return Ends{
		Request: bareRequest,
		Done:    event.SagaEvents(event.TypeCompleted),
		Wait:    func() error { running.Wait(); return nil },
	}, errors.Join(started...)
}

func bareRequest(saga string) *nats.Msg {
	r := request(saga)
	r.Token = "" // it does not travel on in the other makes either
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings alone: it cannot fail
	}
	return &nats.Msg{Subject: event.SubjectRequested, Data: data, Header: nats.Header{event.HeaderMsgID: {saga}}}
}

// bareStage takes a message, publishes the next one, and acks when that is stored.
type bareStage struct {
	next  event.Type
	first bool // it takes requests
	js    jetstream.JetStream
	sent  chan sent // in order of publishing
}

// sent is a message whose successor is being stored.
type sent struct {
	taken  jetstream.Msg
	stored jetstream.PubAckFuture
}

func (s *bareStage) start(ctx context.Context, dial Dialer, step event.Step, running *sync.WaitGroup) error {
	conn, err := dial()
	if err != nil {
		return err
	}
	if s.js, err = jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(bareMaxPending)); err != nil {
		return fmt.Errorf("start the bare stage %s: %w", step.Name, err)
	}
	stream := event.StreamEvents
	if s.first {
		stream = event.StreamRequests
	}
	consumer, err := s.js.Consumer(ctx, stream, step.Name)
	if err != nil {
		return fmt.Errorf("start the bare stage %s: %w", step.Name, err)
	}
	s.sent = make(chan sent, bareMaxPending)
	consuming, err := consumer.Consume(s.take, jetstream.PullMaxMessages(bareMaxPending))
	if err != nil {
		return fmt.Errorf("start the bare stage %s: %w", step.Name, err)
	}
	running.Go(func() {
		s.ack(ctx)
		consuming.Stop()
		conn.Close()
	})
	return nil
}

// take publishes what follows a message. What cannot be published is delivered again.
func (s *bareStage) take(msg jetstream.Msg) {
	out := &nats.Msg{Header: msg.Headers(), Data: msg.Data()}
	if s.first {
		saga := msg.Headers().Get(event.HeaderMsgID)
		out.Subject = event.Key{User: event.UserHash("bench-" + saga), Saga: saga}.Subject(s.next)
		out.Header = nil
	} else {
		_, key, err := event.ParseSubject(msg.Subject())
		if err != nil {
			return
		}
		out.Subject = key.Subject(s.next)
	}
	if stored, err := s.js.PublishMsgAsync(out); err == nil {
		s.sent <- sent{msg, stored}
	}
}

// ack acknowledges messages whose successors are stored, until ctx ends.
func (s *bareStage) ack(ctx context.Context) {
	for {
		select {
		case one := <-s.sent:
			select {
			case <-one.stored.Ok():
				_ = one.taken.Ack() // else it comes again
			case <-one.stored.Err(): //nolint:errcheck // what is not acked comes again
			case <-ctx.Done():
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
