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
	actor string // in whose name audit events are stored
}

// Open returns the box behind js.
func Open(js jetstream.JetStream) *Box { return &Box{js: js, store: saga.NewStore(js)} }

// By returns the same box in the hands of actor, in whose name it stores the
// audit event of each act.
func (b *Box) By(actor string) *Box {
	mine := *b
	mine.actor = actor
	return &mine
}

// stream returns the stream of dead letters, with its state.
func (b *Box) stream(ctx context.Context) (jetstream.Stream, error) {
	stream, err := b.js.Stream(ctx, event.StreamDeadLetters)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf(`there is no stream %s ("createuser streams apply"): %w`, event.StreamDeadLetters, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the dead letters: %w", err)
	}
	return stream, nil
}

// Each calls use for every dead letter that is kept now, oldest first, until it
// returns an error, which Each returns. One that cannot be decoded is passed
// over, and an error in the end.
func (b *Box) Each(ctx context.Context, use func(Letter) error) error {
	stream, err := b.stream(ctx)
	if err != nil {
		return err
	}
	var unread []error
	state := stream.CachedInfo().State
	for number := state.FirstSeq; number <= state.LastSeq; number++ {
		msg, err := stream.GetMsg(ctx, number, jetstream.WithGetMsgSubject(">")) // this one, or the next
		if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && msg.Sequence > state.LastSeq {
			break // the last ones were deleted
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read dead letter %d: %w", number, err), errors.Join(unread...))
		}
		number = msg.Sequence
		l, err := parse(msg.Data, number)
		if err != nil {
			unread = append(unread, err)
			continue
		}
		if err := use(l); err != nil {
			return errors.Join(err, errors.Join(unread...))
		}
	}
	return errors.Join(unread...)
}

// Get returns one dead letter. It fails with [ErrNone].
func (b *Box) Get(ctx context.Context, number uint64) (Letter, error) {
	stream, err := b.stream(ctx)
	if err != nil {
		return Letter{}, err
	}
	msg, err := message(ctx, stream, number)
	if err != nil {
		return Letter{}, err
	}
	return parse(msg.Data, number)
}

func message(ctx context.Context, stream jetstream.Stream, number uint64) (*jetstream.RawStreamMsg, error) {
	none := fmt.Errorf("%w: %d", ErrNone, number)
	if number == 0 { // to the server, no number at all
		return nil, none
	}
	msg, err := stream.GetMsg(ctx, number)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, none
	}
	if err != nil {
		return nil, fmt.Errorf("read dead letter %d: %w", number, err)
	}
	return msg, nil
}

func parse(data []byte, number uint64) (Letter, error) {
	l := Letter{Number: number}
	if err := json.Unmarshal(data, &l.DeadLetter); err != nil {
		return l, fmt.Errorf("decode dead letter %d: %w", number, err)
	}
	return l, nil
}

// Discard deletes a dead letter for good, and stores an audit event of it. It
// fails with [ErrNone].
func (b *Box) Discard(ctx context.Context, number uint64) error {
	stream, err := b.stream(ctx)
	if err != nil {
		return err
	}
	msg, err := message(ctx, stream, number)
	if err != nil {
		return err
	}
	l, _ := parse(msg.Data, number) // one that cannot be decoded can be discarded
	return b.audited(ctx, event.AuditDiscard, l, func() error {
		if err := stream.DeleteMsg(ctx, number); err != nil {
			return fmt.Errorf("discard dead letter %d: %w", number, err)
		}
		return nil
	})
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
