package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
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
	if err := expectEvents(ctx, js); err != nil {
		return err
	}
	// What was asked for may be an Id or a saga: no filter says both, so each is
	// followed by itself. Only one of them finds anything, save for the sagas of an
	// Id that have it as their id too: their events come twice.
	filters := []string{event.UserEvents("*", event.UserHash(c.Of))}
	if event.ValidSagaID(c.Of) {
		filters = append(filters, event.Key{User: "*", Saga: c.Of}.History())
	}
	if err := t.printf("waiting for events of %q; Ctrl-C ends\n", c.Of); err != nil {
		return err
	}
	h := histories{tool: t, begun: map[event.Key]time.Time{}, last: map[event.Key]uint64{}, open: map[event.Key]bool{}}
	events := make(chan saga.Stored)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	run := []func(context.Context) error{func(ctx context.Context) error {
		defer cancel() // nothing more to print: stop following
		return h.print(ctx, events, c.Follow)
	}}
	for _, filter := range filters {
		run = append(run, func(ctx context.Context) error { return tail(ctx, saga.NewStore(js), filter, events) })
	}
	return service.All(ctx, run...)
}

// histories prints the histories of sagas.
type histories struct {
	tool  *tool
	begun map[event.Key]time.Time // when the first event of each saga was stored
	last  map[event.Key]uint64    // the sequence of the last event printed of each
	open  map[event.Key]bool
}

// tail sends every stored event that matches filter, those of the past first.
func tail(ctx context.Context, store *saga.Store, filter string, to chan<- saga.Stored) error {
	return store.Follow(ctx, saga.Follower{
		Filters: []string{filter}, Since: time.Unix(0, 0), Logger: zerolog.Nop(),
		Handle: func(ctx context.Context, e saga.Stored) {
			select {
			case to <- e:
			case <-ctx.Done():
			}
		},
	})
}

// settled is how long nothing more may come after the last saga has ended
// before the watch is over: events of the past come in a burst.
const settled = 500 * time.Millisecond

func (h *histories) print(ctx context.Context, events <-chan saga.Stored, forever bool) error {
	var over <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-over:
			return nil
		case e := <-events:
			if err := h.event(e); err != nil {
				return err
			}
			over = nil
			if len(h.open) == 0 && !forever {
				over = time.After(settled)
			}
		}
	}
}

// event prints one event on one line, unless it was printed before.
func (h *histories) event(e saga.Stored) error {
	if e.Sequence <= h.last[e.Key] {
		return nil
	}
	h.last[e.Key] = e.Sequence
	first, known := h.begun[e.Key]
	if !known {
		first = e.Time
		h.begun[e.Key] = first
		if err := h.tool.printf("saga %s\n", e.Saga); err != nil {
			return err
		}
	}
	h.open[e.Key] = true
	line := fmt.Sprintf("  %s  %+8.1f ms  ", e.Time.Format("15:04:05.000"), float64(e.Time.Sub(first).Microseconds())/1000)
	if !e.Type.Terminal() {
		line += string(e.Type)
	} else {
		delete(h.open, e.Key)
		var body event.Ended
		if err := json.Unmarshal(e.Data, &body); err != nil {
			return fmt.Errorf("decode %s: %w", e.Type, err)
		}
		line += fmt.Sprintf("%-14s  %s by %s: %s", e.Type, body.Code, body.Step, body.Message)
		if body.Of != "" {
			line += fmt.Sprintf(" (not sent: the room hears saga %s)", body.Of)
		}
	}
	return h.tool.printf("%s\n", line)
}
