package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// audited does act once an audit event of it is stored.
func (b *Box) audited(ctx context.Context, action event.AuditAction, l Letter, act func() error) error {
	a := event.Audit{Time: time.Now(), Actor: b.actor, Action: action, Letter: l.Number, Step: l.Step, User: l.User, Saga: l.Saga}
	if err := b.note(ctx, a); err != nil {
		return err
	}
	err := act()
	if err == nil {
		return nil
	}
	a.Time, a.Error = time.Now(), err.Error()
	return errors.Join(err, b.note(context.WithoutCancel(ctx), a)) // else one whose operator left would stand as done
}

func (b *Box) note(ctx context.Context, a event.Audit) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode the audit event: %w", err)
	}
	_, err = b.js.Publish(ctx, event.AuditSubject(a.Action), data)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf(`there is no stream %s ("createuser streams apply"): %w`, event.StreamAudit, err)
	}
	if err != nil {
		return fmt.Errorf("store the audit event: %w", err)
	}
	return nil
}

// Audits returns the last audit events, the newest first, at most limit of them.
// One that cannot be decoded has no actor, and says so as its error.
func (b *Box) Audits(ctx context.Context, limit int) ([]event.Audit, error) {
	stream, err := b.js.Stream(ctx, event.StreamAudit)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf(`there is no stream %s ("createuser streams apply"): %w`, event.StreamAudit, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the audit events: %w", err)
	}
	var all []event.Audit
	state := stream.CachedInfo().State
	for n := state.LastSeq; n >= max(state.FirstSeq, 1) && len(all) < limit; n-- {
		msg, err := stream.GetMsg(ctx, n)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break // the rest has expired
		}
		if err != nil {
			return nil, fmt.Errorf("read audit event %d: %w", n, err)
		}
		var a event.Audit
		if err := json.Unmarshal(msg.Data, &a); err != nil { // one must not hide the others
			a = event.Audit{Time: msg.Time, Error: fmt.Sprintf("audit event %d cannot be read: %s", n, err)}
		}
		all = append(all, a)
	}
	return all, nil
}
