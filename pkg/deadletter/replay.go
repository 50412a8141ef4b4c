package deadletter

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// Why a dead letter cannot be replayed.
var (
	// ErrPoison: its message could not be read the first time, and cannot be the
	// next; or it was too large to be kept.
	ErrPoison = errors.New("the message cannot be read, so a replay would fail again: discard it")
	// ErrEnded: its message is the end of a saga. A new attempt would only be told
	// to the user as another end, and would undo nothing of the first.
	ErrEnded = errors.New("the saga has ended, and a new attempt would undo nothing of it: discard it")
	// ErrCompleted: its saga has completed since, because the message was delivered
	// once more. A new attempt would be told to the user beside that.
	ErrCompleted = errors.New("the saga has completed meanwhile: discard it")
	// ErrUnderWay: its saga has not ended yet, and may still complete by itself.
	ErrUnderWay = errors.New("the saga is still under way: replay it when it has failed, at its deadline at the latest")
)

// Check returns the message of a dead letter that can be replayed. It fails with
// [ErrPoison], with [ErrEnded], and as [Original] does.
func Check(l Letter, opener *event.Opener) (event.Original, error) {
	if l.Reason == event.ReasonPoison || l.User == event.UnknownUser {
		return event.Original{}, fmt.Errorf("dead letter %d: %w", l.Number, ErrPoison)
	}
	if t, _, err := event.ParseSubject(l.Subject); err == nil && t.Terminal() {
		return event.Original{}, fmt.Errorf("dead letter %d: %w", l.Number, ErrEnded)
	}
	original, err := Original(l, opener)
	if err == nil && len(original.Data) == 0 {
		err = fmt.Errorf("dead letter %d: %w", l.Number, ErrPoison)
	}
	return original, err
}

// Replay begins a new attempt with the message of a dead letter, stores an audit
// event of it, and returns the attempt's saga. deadline is when the attempt must
// have ended. It fails as [Check] does.
func (b *Box) Replay(ctx context.Context, l Letter, opener *event.Opener, deadline time.Time) (string, error) {
	original, err := Check(l, opener)
	if err != nil {
		return "", err
	}
	k, err := b.Attempt(ctx, l)
	if err != nil {
		return "", err
	}
	err = b.audited(ctx, event.AuditReplay, l, func() error {
		if l.Stream == event.StreamRequests {
			return b.request(ctx, k, original, deadline)
		}
		return b.resume(ctx, l, k, original, deadline)
	})
	if err != nil {
		return "", fmt.Errorf("replay dead letter %d as saga %s: %w", l.Number, k.Saga, err)
	}
	return k.Saga, nil
}

// Attempt returns the key of the next attempt at a dead-lettered saga: the
// first of "<saga>-r1", "<saga>-r2"… that has no history. It fails with
// [ErrCompleted] and [ErrUnderWay].
func (b *Box) Attempt(ctx context.Context, l Letter) (event.Key, error) {
	last, _, err := b.store.Position(ctx, event.Key{User: l.User, Saga: l.Saga})
	switch {
	case errors.Is(err, saga.ErrNoEvent): // it has expired, or never began
	case err != nil:
		return event.Key{}, fmt.Errorf("look how saga %s stands: %w", l.Saga, err)
	case last == event.TypeCompleted:
		return event.Key{}, fmt.Errorf("dead letter %d: %w", l.Number, ErrCompleted)
	case last.BeforePivot():
		return event.Key{}, fmt.Errorf("dead letter %d: %w", l.Number, ErrUnderWay)
	}
	base, n := event.SplitAttempt(l.Saga)
	for {
		n++
		k := event.Key{User: l.User, Saga: event.AttemptID(base, n)}
		_, err := b.store.Last(ctx, k)
		if errors.Is(err, saga.ErrNoEvent) {
			return k, nil
		}
		if err != nil {
			return event.Key{}, fmt.Errorf("look for the next attempt at saga %s: %w", base, err)
		}
	}
}

// request publishes the request anew. Its message id is the attempt's, so a
// replay that is repeated at once is one attempt.
func (b *Box) request(ctx context.Context, k event.Key, original event.Original, deadline time.Time) error {
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = original.Data
	msg.Header = meta(original, k, event.TypeRequested, deadline).Header()
	_, err := b.js.PublishMsg(ctx, msg, jetstream.WithMsgID(k.Saga))
	return err
}

// resume appends the event that the failed step handles, as the first of the
// attempt's history.
func (b *Box) resume(ctx context.Context, l Letter, k event.Key, original event.Original, deadline time.Time) error {
	t, _, err := event.ParseSubject(l.Subject)
	if err != nil {
		return err
	}
	m := meta(original, k, t, deadline)
	m.Requested = m.Time // the attempt's time counts from here
	return b.store.Append(ctx, m, k, original.Data, 0)
}

// meta returns what stands in the headers of an attempt's first event: it was
// caused by the event that was dead-lettered.
func meta(original event.Original, k event.Key, t event.Type, deadline time.Time) event.Meta {
	m, err := event.ParseMeta(original.Header)
	if err != nil {
		m = event.Meta{} // headers that were malformed are of no use in the attempt
	}
	if m.ID != "" {
		m.Causation = m.ID
	}
	m.ID, m.Source, m.Type, m.Saga = k.Saga+"."+string(t), "/create-user/replay", t, k.Saga
	m.Time, m.Deadline = time.Now(), deadline
	return m
}
