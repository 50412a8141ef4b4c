// Package deadletter is for operators: it lists, opens, replays and discards
// dead letters.
//
// A replay begins a new attempt: a saga of its own, "<saga>-r<N>", from the
// step that failed. The attempt that failed keeps its history.
package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// ErrNone says that there is no dead letter with that number.
var ErrNone = errors.New("no such dead letter")

// Letter is a dead letter and where it is kept.
type Letter struct {
	event.DeadLetter
	Number uint64 // its sequence in the stream of dead letters
}

// Box is the stream of dead letters.
type Box struct {
	js    jetstream.JetStream
	store *saga.Store
}

// Open returns the box behind js.
func Open(js jetstream.JetStream) *Box { return &Box{js: js, store: saga.NewStore(js)} }

// readTime bounds how long one letter may take to arrive.
const readTime = 10 * time.Second

// Each calls use for every dead letter that is kept now, oldest first, until it
// returns an error, which Each returns.
func (b *Box) Each(ctx context.Context, use func(Letter) error) error {
	consumer, err := b.js.OrderedConsumer(ctx, event.StreamDeadLetters, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return fmt.Errorf("read the dead letters: %w", err)
	}
	for left := consumer.CachedInfo().NumPending; left > 0; {
		msg, err := consumer.Next(jetstream.FetchMaxWait(readTime))
		if err != nil {
			return fmt.Errorf("read the dead letters: %w", err)
		}
		info, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read the dead letters: %w", err)
		}
		left = info.NumPending
		l, err := parse(msg.Data(), info.Sequence.Stream)
		if err != nil {
			return err
		}
		if err := use(l); err != nil {
			return err
		}
	}
	return nil
}

// Get returns one dead letter. It fails with [ErrNone].
func (b *Box) Get(ctx context.Context, number uint64) (Letter, error) {
	stream, err := b.js.Stream(ctx, event.StreamDeadLetters)
	if err != nil {
		return Letter{}, fmt.Errorf("read the dead letters: %w", err)
	}
	msg, err := stream.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Letter{}, fmt.Errorf("%w: %d", ErrNone, number)
	}
	if err != nil {
		return Letter{}, fmt.Errorf("read dead letter %d: %w", number, err)
	}
	return parse(msg.Data, number)
}

func parse(data []byte, number uint64) (Letter, error) {
	l := Letter{Number: number}
	if err := json.Unmarshal(data, &l.DeadLetter); err != nil {
		return l, fmt.Errorf("decode dead letter %d: %w", number, err)
	}
	return l, nil
}

// Discard deletes a dead letter for good. It fails with [ErrNone].
func (b *Box) Discard(ctx context.Context, number uint64) error {
	if _, err := b.Get(ctx, number); err != nil {
		return err
	}
	stream, err := b.js.Stream(ctx, event.StreamDeadLetters)
	if err != nil {
		return fmt.Errorf("discard dead letter %d: %w", number, err)
	}
	if err := stream.DeleteMsg(ctx, number); err != nil {
		return fmt.Errorf("discard dead letter %d: %w", number, err)
	}
	return nil
}

// Original opens the message that a dead letter holds. It fails as
// [event.Opener.OpenBytes] does. What it returns holds secrets.
func Original(l Letter, opener *event.Opener) (event.Original, error) {
	plain, err := opener.OpenBytes(l.Message)
	if err != nil {
		return event.Original{}, fmt.Errorf("open dead letter %d: %w", l.Number, err)
	}
	var original event.Original
	if err := json.Unmarshal(plain, &original); err != nil {
		return event.Original{}, fmt.Errorf("decode the message of dead letter %d: %w", l.Number, err)
	}
	return original, nil
}
