package main

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// outcomes follows the terminal events and matches them with the sagas that
// are waited for.
type outcomes struct {
	changed chan struct{} // holds one token after each match

	mu    sync.Mutex
	known map[string]bool       // sagas ever waited for; guarded by mu
	open  map[string]bool       // those that have not ended; guarded by mu
	early map[string]event.Code // ends heard before they were waited for; guarded by mu
	ended map[event.Code]int    // guarded by mu
}

func newOutcomes() *outcomes {
	return &outcomes{
		changed: make(chan struct{}, 1), known: map[string]bool{}, open: map[string]bool{},
		early: map[string]event.Code{}, ended: map[event.Code]int{},
	}
}

// follow follows the terminal events from now on, until ctx ends. It closes
// ready when no outcome can be missed any more.
func (o *outcomes) follow(ctx context.Context, store *saga.Store, ready chan<- struct{}) error {
	return store.Follow(ctx, saga.Follower{
		Filters: []string{event.SagaEvents(event.TypeCompleted), event.SagaEvents(event.TypeFailed)},
		Logger:  zerolog.Nop(),
		Ready:   func(uint64) { close(ready) },
		Handle:  func(_ context.Context, e saga.Stored) { o.take(e) },
	})
}

func (o *outcomes) take(e saga.Stored) {
	var body event.Ended
	if json.Unmarshal(e.Data, &body) != nil {
		return // not an outcome of this contract
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known[e.Saga] {
		o.early[e.Saga] = body.Code
		return
	}
	o.end(e.Saga, body.Code)
}

// end counts the outcome of a saga, once. The caller holds mu.
func (o *outcomes) end(saga string, code event.Code) {
	if !o.open[saga] {
		return
	}
	delete(o.open, saga)
	o.ended[code]++
	select {
	case o.changed <- struct{}{}:
	default: // one token is enough
	}
}

// expect waits for one more saga. A key that is submitted twice is one.
func (o *outcomes) expect(saga string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known[saga] {
		return
	}
	o.known[saga], o.open[saga] = true, true
	if code, ok := o.early[saga]; ok {
		delete(o.early, saga)
		o.end(saga, code)
	}
}

// settle counts a saga that had ended before it was waited for: its key was
// submitted earlier.
func (o *outcomes) settle(saga string, code event.Code) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.end(saga, code)
}

func (o *outcomes) counts() (open, total int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.open), len(o.known)
}

// wait waits until no saga is open or ctx ends, and returns how many still are.
func (o *outcomes) wait(ctx context.Context, t *tool) int {
	open, total := o.counts()
	bar := t.bar(total, "waiting for outcomes")
	for open > 0 {
		_ = bar.Set(total - open)
		select {
		case <-o.changed:
			open, _ = o.counts()
		case <-ctx.Done():
			open, _ = o.counts()
			return open
		}
	}
	_ = bar.Finish()
	return 0
}

// print prints how many sagas ended in which way.
func (o *outcomes) print(t *tool) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, code := range event.Codes() {
		if n := o.ended[code]; n > 0 {
			said := code.Message()
			if !code.Heard() {
				said = "(not sent: the room hears the first one's outcome)"
			}
			if err := t.printf("%8d  %-18s %s\n", n, code, said); err != nil {
				return err
			}
		}
	}
	open := make([]string, 0, len(o.open))
	for saga := range o.open {
		open = append(open, saga)
	}
	slices.Sort(open)
	for _, saga := range open[:min(len(open), maxShown)] {
		if err := t.printf("%8s  saga %s\n", "no outcome", saga); err != nil {
			return err
		}
	}
	return nil
}
