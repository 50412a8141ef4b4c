package chain

import (
	"context"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// watermillSubscribers is how many messages a stage has in hand. Other numbers
// were not tried.
const watermillSubscribers = 16

// topic names what goes into stage i; from 5 on, what comes out of the last.
func topic(i int) string { return fmt.Sprintf("watermill%d", i) }

// startWatermill runs a router with five handlers over JetStream. Each topic is
// a stream of its own, as the library makes them.
func startWatermill(ctx context.Context, dial Dialer) (Ends, error) {
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 5 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return Ends{}, fmt.Errorf("start Watermill: %w", err)
	}
	n := len(Stages())
	for i := range n {
		subscriber, publisher, err := watermillEnds(dial)
		if err != nil {
			return Ends{}, err
		}
		if err := subscriber.SubscribeInitialize(topic(i + 1)); err != nil {
			return Ends{}, fmt.Errorf("start Watermill: %w", err)
		}
		router.AddHandler(topic(i), topic(i), subscriber, topic(i+1), publisher,
			func(m *message.Message) ([]*message.Message, error) {
				return []*message.Message{message.NewMessage(m.UUID, m.Payload)}, nil
			})
	}
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	select {
	case <-router.Running():
	case err := <-ended:
		return Ends{}, fmt.Errorf("start Watermill: %w", err)
	}
	return Ends{Request: watermillRequest, Done: topic(n), Wait: func() error { return <-ended }}, nil
}

func watermillEnds(dial Dialer) (*wmnats.Subscriber, *wmnats.Publisher, error) {
	conn, err := dial()
	if err != nil {
		return nil, nil, err
	}
	// A stage may have all sagas waiting for it.
	options := []nats.SubOpt{nats.AckExplicit(), nats.DeliverAll(), nats.MaxAckPending(-1)}
	subscriber, err := wmnats.NewSubscriberWithNatsConn(conn, wmnats.SubscriberSubscriptionConfig{
		SubscribersCount: watermillSubscribers, QueueGroupPrefix: "bench",
		JetStream: wmnats.JetStreamConfig{AutoProvision: true, DurablePrefix: "bench", AckAsync: true, SubscribeOptions: options},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, nil, fmt.Errorf("start Watermill: %w", err)
	}
	publisher, err := wmnats.NewPublisherWithNatsConn(conn, wmnats.PublisherPublishConfig{
		SubjectCalculator: wmnats.DefaultSubjectCalculator, Marshaler: &wmnats.NATSMarshaler{},
	}, watermill.NopLogger{})
	if err != nil {
		return nil, nil, fmt.Errorf("start Watermill: %w", err)
	}
	return subscriber, publisher, nil
}

func watermillRequest(saga string) *nats.Msg {
	m := message.NewMessage(saga, bareRequest(saga).Data)
	msg, err := new(wmnats.NATSMarshaler).Marshal(topic(0), m)
	if err != nil {
		panic(err) // it does nothing that can fail
	}
	return msg
}
