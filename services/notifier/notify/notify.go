// Package notify tells each user the outcome of their registration, in one of two
// ways.
//
// Serve: it is a Socket.IO server. It follows the terminal events of the event store
// and emits each to the user's room. It remembers nothing: a client that joins late
// is answered from the event store, so any number of notifiers may run, each with its
// own clients, and a restart loses no outcome.
//
// Relay: it is a client of an existing Socket.IO server, and emits to that. It takes
// the terminal events from a durable consumer, which any number of notifiers share,
// and acknowledges each once the server has shown that it has it: see package relay.
// So nothing is lost, whoever restarts or is away; after a crash the server may get an
// outcome twice.
package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// recent is how long after its end an outcome is still told to who joins.
const recent = 10 * time.Minute

// history reads the event store.
type history interface {
	LastMatching(ctx context.Context, filter string) (saga.Stored, error)
}

// emitter emits to the room of a user and returns how many clients it reached.
type emitter interface {
	Emit(id string, m rooms.Message) int
}

type notifier struct {
	history history
	rooms   emitter
	tracer  trace.Tracer // nil: nothing is traced
	log     zerolog.Logger
}

// outcome is a terminal event.
type outcome struct {
	saga.Stored
	body event.Ended
}

func (o outcome) message() rooms.Message {
	return rooms.Message{Message: o.body.Message, Status: o.body.Status, Code: string(o.body.Code), Saga: o.Saga}
}

// notify emits an outcome, unless it is not to be heard.
func (n notifier) notify(ctx context.Context, o outcome) error {
	told, err := n.told(ctx, o)
	if err != nil || !told {
		return err
	}
	heard := n.rooms.Emit(o.body.ID, o.message())
	n.log.Debug().Str("saga", o.Saga).Str("event", string(o.Type)).Int("heard", heard).Msg("outcome emitted")
	return nil
}

// told reports whether the room is to hear an outcome. A failure is kept from a
// user whose registration had just completed, or has since: it is that of the
// same registration submitted again, and would contradict what the room heard.
// Only that the user exists is no contradiction.
func (n notifier) told(ctx context.Context, o outcome) (bool, error) {
	if !o.body.Code.Heard() {
		return false, nil
	}
	if o.body.Status || o.body.Code == event.CodeUserExists {
		return true, nil
	}
	completed, found, err := n.ended(ctx, event.UserEvents(event.TypeCompleted, o.User))
	return !found || o.Time.Sub(completed.Time) > recent, err
}

// last returns the outcome that a client of user id hears when it joins. It fails
// only while the event store cannot be read.
func (n notifier) last(ctx context.Context, id string) (rooms.Message, bool, error) {
	m, found, err := n.latest(ctx, id)
	if err != nil {
		err = fmt.Errorf("%w: %w", rooms.ErrUnavailable, err)
	}
	return m, found, err
}

// latest returns the latest outcome of the last minutes, unless a newer
// registration is under way, whose outcome will come.
func (n notifier) latest(ctx context.Context, id string) (rooms.Message, bool, error) {
	user := event.UserHash(id)
	completed, found, err := n.find(ctx, event.UserEvents(event.TypeCompleted, user))
	if err != nil || found {
		return completed.message(), found, err
	}
	failed, found, err := n.find(ctx, event.UserEvents(event.TypeFailed, user))
	if err == nil && found && !failed.body.Code.Heard() {
		failed, found, err = n.original(ctx, failed)
	}
	if err != nil || !found {
		return rooms.Message{}, false, err
	}
	open, err := n.openSince(ctx, failed)
	return failed.message(), err == nil && !open, err
}

// original returns the outcome of the saga that a duplicate stands for, however
// long ago that was: it is what the duplicate, which is recent, came to.
func (n notifier) original(ctx context.Context, duplicate outcome) (outcome, bool, error) {
	of := event.Key{User: duplicate.User, Saga: duplicate.body.Of}
	if !event.ValidSagaID(of.Saga) {
		return outcome{}, false, nil
	}
	o, found, err := n.ended(ctx, of.History())
	return o, found && o.body.Code.Heard(), err
}

// openSince reports whether a saga of the same user has begun after o and not ended.
func (n notifier) openSince(ctx context.Context, o outcome) (bool, error) {
	begun, err := n.history.LastMatching(ctx, event.UserEvents(event.TypeTokenVerified, o.User))
	switch {
	case errors.Is(err, saga.ErrNoEvent), err == nil && begun.Sequence < o.Sequence, unreadable(begun, err):
		return false, nil
	case err != nil:
		return false, err
	}
	last, err := n.history.LastMatching(ctx, begun.History())
	if unreadable(last, err) {
		return false, nil
	}
	return err == nil && !last.Type.Terminal(), err
}

// unreadable reports whether an event is there that cannot be read. It will never
// be, so nothing may wait for it.
func unreadable(e saga.Stored, err error) bool { return err != nil && e.Sequence != 0 }

// find returns the last event that matches filter if it is a recent outcome.
func (n notifier) find(ctx context.Context, filter string) (outcome, bool, error) {
	o, found, err := n.ended(ctx, filter)
	return o, found && time.Since(o.Time) <= recent, err
}

// ended returns the last event that matches filter if it is an outcome. One
// that cannot be read is none.
func (n notifier) ended(ctx context.Context, filter string) (outcome, bool, error) {
	e, err := n.history.LastMatching(ctx, filter)
	switch {
	case errors.Is(err, saga.ErrNoEvent), err == nil && !e.Type.Terminal():
		return outcome{}, false, nil
	case err != nil && !unreadable(e, err):
		return outcome{}, false, err
	}
	o := outcome{Stored: e}
	if err == nil {
		o, err = parseOutcome(e)
	}
	if err != nil {
		n.log.Error().Err(err).Str("saga", e.Saga).Str("event", string(e.Type)).Msg("cannot read an outcome")
		return outcome{}, false, nil
	}
	return o, true, nil
}

func parseOutcome(e saga.Stored) (outcome, error) {
	o := outcome{Stored: e}
	if err := json.Unmarshal(e.Data, &o.body); err != nil {
		return o, fmt.Errorf("decode %s of saga %s: %w", e.Type, e.Saga, err)
	}
	return o, nil
}
