package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// bury keeps a message as a dead letter, then ends its saga where that is still
// allowed, then takes the message off its consumer. In that order: a crash
// between any two repeats what came before and loses nothing. It reports
// whether the message is out of hand.
func (r *runner[In, Out]) bury(ctx context.Context, m *message[In], reason event.Reason, cause error) bool {
	if !m.buried {
		if err := r.keepDeadLetter(ctx, m, reason, cause); err != nil {
			r.logOf(m).Warn().Err(err).Msg("cannot dead-letter yet")
			return false
		}
		m.buried = true
	}
	if r.mayFail && m.User != event.UnknownUser {
		if err := r.endBuried(ctx, m); err != nil {
			r.logOf(m).Warn().Err(err).Msg("cannot end the saga of a dead letter yet")
			return false
		}
	}
	r.term(m, reason)
	r.observer.Settled(SettledDeadLetter)
	return true
}

// endBuried appends failed for a dead-lettered message.
func (r *runner[In, Out]) endBuried(ctx context.Context, m *message[In]) error {
	ended := r.failed(m, decision{code: event.CodeProcessingError})
	if ended.ID == "" {
		id, err := r.idOf(ctx, m.Key)
		if err != nil {
			return err
		}
		ended.ID = id
	}
	end := r.append(ctx, m, ended)
	err := r.finish(ctx, end)
	switch {
	case err == nil:
		r.observeAppend(end)
	case errors.Is(err, ErrNoEvent) && !r.late(m):
		return err // a replica that lags may have said so
	case errors.Is(err, ErrNoEvent), errors.Is(err, errHadFailed), is[poison](err):
		return nil // its history is gone, has ended, or can hold no more: nothing is left to end
	}
	return err
}

// keepDeadLetter stores m as a dead letter. One whose message is too large for
// that is kept without it: the event store has an event of its own, and a
// stream's own limit keeps such requests out (see streams).
func (r *runner[In, Out]) keepDeadLetter(ctx context.Context, m *message[In], reason event.Reason, cause error) error {
	letter := event.DeadLetter{
		Step: r.step.Name, Reason: reason, Errors: chain(cause),
		Subject: m.msg.Subject, Stream: r.stream(), Sequence: m.sequence, Stored: m.stored, Died: time.Now(),
		Deliveries: m.Delivery, EventID: m.Meta.ID, User: m.User, Saga: m.Saga, ReplayOf: event.PreviousAttempt(m.Saga),
	}
	err := r.publishDeadLetter(ctx, m, letter, event.Original{Header: m.msg.Header, Data: m.msg.Data})
	if tooLarge(err) {
		letter.Errors = append(letter.Errors, fmt.Sprintf("not kept here: the message of %d bytes", len(m.msg.Data)))
		err = r.publishDeadLetter(ctx, m, letter, event.Original{Header: m.Meta.Header()})
	}
	return err
}

func (r *runner[In, Out]) publishDeadLetter(ctx context.Context, m *message[In], letter event.DeadLetter, original event.Original) error {
	plain, err := json.Marshal(original)
	if err != nil {
		return fmt.Errorf("encode the message: %w", err)
	}
	if letter.Message, err = r.cfg.DeadLetters.SealBytes(m.Saga, plain); err != nil {
		return fmt.Errorf("seal the message: %w", err)
	}
	msg := nats.NewMsg(m.DeadLetterSubject(r.step.Name))
	if msg.Data, err = json.Marshal(letter); err != nil {
		return fmt.Errorf("encode the dead letter: %w", err)
	}
	// One dead letter a message: a repeat within the dedupe window is dropped.
	id := m.Saga + "." + r.step.Name + "." + strconv.FormatUint(m.sequence, 10)
	ack, err := r.cfg.JetStream.PublishMsg(ctx, msg, jetstream.WithMsgID(id))
	if err == nil && !ack.Duplicate {
		r.observer.DeadLettered(letter.Reason)
	}
	return err
}

// idOf finds the Id of a user whose own event cannot be decoded in the saga's
// first event. Empty when it cannot be found there either: then the outcome
// reaches no room.
func (r *runner[In, Out]) idOf(ctx context.Context, k event.Key) (string, error) {
	first, _, err := r.store.last(ctx, k.Subject(event.TypeTokenVerified))
	switch {
	case errors.Is(err, ErrNoEvent):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read the user's Id: %w", err)
	}
	var body event.TokenVerified
	_ = json.Unmarshal(first.Data, &body) // what cannot be read at all names nobody
	return body.ID, nil
}

// chain lists the messages of an error and of what it wraps, outermost first,
// as far as the chain is single, without repeating one.
func chain(err error) []string {
	var list []string
	for ; err != nil; err = errors.Unwrap(err) {
		list = append(list, err.Error())
	}
	return slices.Compact(list)
}
