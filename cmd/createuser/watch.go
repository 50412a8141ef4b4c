package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

type watchCommand struct {
	Of     string `arg:"" name:"id|saga" help:"A user's Id, or a saga's id."`
	Follow bool   `short:"f" help:"Go on after every saga seen has ended."`
}

// Run prints each event as it is stored, until every saga seen has ended.
func (c watchCommand) Run(ctx context.Context, t *tool) error {
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return err
	}
	defer closeNATS()
	w := watch{tool: t, begun: map[event.Key]time.Time{}, open: map[event.Key]bool{}}
	return w.run(ctx, js, c)
}

// watch prints histories.
type watch struct {
	tool  *tool
	begun map[event.Key]time.Time // when the first event of each saga was stored
	open  map[event.Key]bool
}

func (w *watch) run(ctx context.Context, js jetstream.JetStream, c watchCommand) error {
	// What was asked for may be an Id or a saga: no filter says both, so each
	// has its own consumer. Only one of them finds anything, save for an Id that
	// is also a saga's id.
	filters := []string{event.UserEvents("*", event.UserHash(c.Of))}
	if event.ValidSagaID(c.Of) {
		filters = append(filters, event.Key{User: "*", Saga: c.Of}.History())
	}
	stream, err := js.Stream(ctx, event.StreamEvents)
	if err != nil {
		return fmt.Errorf(`stream %s: %w ("createuser streams apply" makes it)`, event.StreamEvents, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := make(chan saga.Stored)
	for _, filter := range filters {
		stop, err := tail(ctx, stream, filter, events)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := w.tool.printf("waiting for events of %q; Ctrl-C ends\n", c.Of); err != nil {
		return err
	}
	return w.print(ctx, events, c.Follow)
}

// tail sends every stored event that matches filter, those of the past first.
func tail(ctx context.Context, stream jetstream.Stream, filter string, to chan<- saga.Stored) (func(), error) {
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", filter, err)
	}
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		e, err := saga.ParseStored(msg.Subject(), msg.Headers(), msg.Data())
		info, infoErr := msg.Metadata()
		if err != nil || infoErr != nil {
			return // not an event of this contract
		}
		e.Sequence, e.Time = info.Sequence.Stream, info.Timestamp
		select {
		case to <- e:
		case <-ctx.Done():
		}
	})
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", filter, err)
	}
	return func() {
		consuming.Stop()
		<-consuming.Closed()
	}, nil
}

// settled is how long nothing more may come after the last saga has ended
// before the watch is over: events of the past come in a burst.
const settled = 500 * time.Millisecond

func (w *watch) print(ctx context.Context, events <-chan saga.Stored, forever bool) error {
	var over <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case e := <-events:
			if err := w.event(e); err != nil {
				return err
			}
			over = nil
			if len(w.open) == 0 && !forever {
				over = time.After(settled)
			}
		}
	}
}

// event prints one event on one line.
func (w *watch) event(e saga.Stored) error {
	first, known := w.begun[e.Key]
	if !known {
		first = e.Time
		w.begun[e.Key] = first
		if err := w.tool.printf("saga %s\n", e.Saga); err != nil {
			return err
		}
	}
	w.open[e.Key] = true
	line := fmt.Sprintf("  %s  %+8.1f ms  %-14s", e.Time.Format("15:04:05.000"), float64(e.Time.Sub(first).Microseconds())/1000, e.Type)
	if e.Type.Terminal() {
		delete(w.open, e.Key)
		var body event.Ended
		if err := json.Unmarshal(e.Data, &body); err != nil {
			return fmt.Errorf("decode %s: %w", e.Type, err)
		}
		line += fmt.Sprintf("  %s by %s: %s", body.Code, body.Step, body.Message)
		if body.Of != "" {
			line += fmt.Sprintf(" (not sent: the room hears saga %s)", body.Of)
		}
	}
	return w.tool.printf("%s\n", line)
}
