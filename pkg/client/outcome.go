package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// Outcome waits until the saga has ended and returns how. It fails with the
// error of ctx when that ends first. The event store keeps outcomes for a week.
func (c *Client) Outcome(ctx context.Context, sagaID string) (event.Ended, error) {
	if !event.ValidSagaID(sagaID) {
		return event.Ended{}, errors.New("saga id: want 1 to 64 characters of A-Za-z0-9_-")
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	first := make(chan saga.Stored, 1)
	// One follower for each end: a publisher may read those alone.
	failures := make(chan error, 2)
	for _, t := range []event.Type{event.TypeCompleted, event.TypeFailed} {
		go func() { failures <- c.followEnd(following, sagaID, t, first) }()
	}
	var found *saga.Stored
	var all []error
	for ended := 0; ended < cap(failures); {
		select {
		case e := <-first:
			found = &e
			stop()
		case err := <-failures:
			ended++
			all = append(all, err)
			if err != nil {
				stop()
			}
		}
	}
	if found == nil {
		return event.Ended{}, fmt.Errorf("wait for the outcome of saga %s: %w", sagaID, errors.Join(append(all, ctx.Err())...))
	}
	var end event.Ended
	if err := json.Unmarshal(found.Data, &end); err != nil {
		return event.Ended{}, fmt.Errorf("decode the outcome of saga %s: %w", sagaID, err)
	}
	return end, nil
}

// followEnd hands on the first event of type t of a saga.
func (c *Client) followEnd(ctx context.Context, sagaID string, t event.Type, first chan<- saga.Stored) error {
	k := event.Key{User: "*", Saga: sagaID} // the user is not known here: any will do
	return saga.NewStore(c.js).Follow(ctx, saga.Follower{
		Filters: []string{k.Subject(t)},
		Since:   time.Unix(0, 0),
		Logger:  zerolog.Nop(),
		Handle: func(_ context.Context, e saga.Stored) {
			select {
			case first <- e:
			default: // it came second
			}
		},
	})
}
