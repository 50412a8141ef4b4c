package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// confirm finds out whose request a duplicate was taken for. The first one
// stands in the inbox at the given sequence, or its saga has begun. A publisher
// that may read neither (see the access package) waits for the first one's outcome.
func (c *Client) confirm(ctx context.Context, r Registration, sequence uint64) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, sendTime)
		err := c.owns(attempt, r, sequence)
		cancel()
		if !unanswered(err) || ctx.Err() != nil {
			return err
		}
		if c.endedForAnother(ctx, r) {
			return ErrKeyUsed
		}
	}
}

// endedForAnother reports whether a saga with r's key has ended that is another
// user's. What cannot be read is looked for again.
func (c *Client) endedForAnother(ctx context.Context, r Registration) bool {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	for _, t := range []event.Type{event.TypeCompleted, event.TypeFailed} {
		end, err := saga.NewStore(c.js).LastOf(ctx, event.Key{User: "*", Saga: r.Key}, t)
		if err == nil && end.User != event.UserHash(r.ID) {
			return true
		}
	}
	return false
}

// owns returns nil when the first request with r's key is for r's Id.
func (c *Client) owns(ctx context.Context, r Registration, sequence uint64) error {
	store, k := saga.NewStore(c.js), event.Key{User: event.UserHash(r.ID), Saga: r.Key}
	for _, t := range []event.Type{event.TypeCompleted, event.TypeFailed} {
		if _, err := store.LastOf(ctx, k, t); !errors.Is(err, saga.ErrNoEvent) {
			return err
		}
	}
	inbox, err := c.js.Stream(ctx, event.StreamRequests)
	if err != nil {
		return fmt.Errorf("look for the first request: %w", err)
	}
	msg, err := inbox.GetMsg(ctx, sequence)
	if err == nil {
		first, _ := event.DecodeRequested(msg.Data) // whatever is wrong with it, its Id is what counts
		if first.ID != r.ID {
			return ErrKeyUsed
		}
		return nil
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("look for the first request: %w", err)
	}
	_, err = store.Last(ctx, k)
	if errors.Is(err, saga.ErrNoEvent) {
		return ErrKeyUsed
	}
	return err
}
