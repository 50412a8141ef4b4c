package node

import (
	"context"
	"fmt"
	"time"

	"github.com/create-user/create-user/bench/child"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// rooms is how many rooms each client is in: the most that the notifier allows.
const rooms = 8

// Listener is a process of npm Socket.IO clients, each in the rooms of several users.
type Listener struct{ child *child.Child }

// Heard is what one client heard, and when on the clock of the proc package.
type Heard struct {
	invariants.Outcome
	At time.Duration `json:"at"`
}

// Listen starts clients of the Socket.IO server at addr and returns when they
// are in the rooms of all ids.
func Listen(ctx context.Context, addr string, ids []string) (*Listener, error) {
	c, err := start(ctx, "listen.js")
	if err != nil {
		return nil, err
	}
	l := &Listener{child: c}
	var answer struct {
		Joined int `json:"joined"`
	}
	err = c.Ask(ctx, map[string]any{"op": "join", "url": "http://" + addr, "ids": ids, "rooms": rooms}, &answer)
	if err == nil && answer.Joined != len(ids) {
		err = fmt.Errorf("%d of %d joined", answer.Joined, len(ids))
	}
	if err != nil {
		_ = l.Close() // the first error says more
		return nil, fmt.Errorf("join the rooms: %w", err)
	}
	return l, nil
}

// Await waits until total outcomes were heard, and shows how many were so far.
func (l *Listener) Await(ctx context.Context, total int, show func(heard int)) error {
	if err := l.child.Tell(map[string]any{"op": "watch", "total": total}); err != nil {
		return err
	}
	var answer struct {
		Heard int `json:"heard"`
	}
	for answer.Heard < total {
		if err := l.child.Hear(ctx, &answer); err != nil {
			return fmt.Errorf("%d of %d outcomes heard: %w", answer.Heard, total, err)
		}
		show(answer.Heard)
	}
	return nil
}

// Outcomes returns all that was heard, by saga. It must follow a complete Await.
func (l *Listener) Outcomes(ctx context.Context) (map[string][]Heard, error) {
	var answer struct {
		Outcomes map[string][]Heard `json:"outcomes"`
	}
	err := l.child.Ask(ctx, map[string]any{"op": "report"}, &answer)
	return answer.Outcomes, err
}

// Close ends the clients.
func (l *Listener) Close() error { return l.child.Close() }
