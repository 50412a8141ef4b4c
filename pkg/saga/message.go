package saga

import (
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
)

// message is one delivery: the event and what is needed to settle it.
type message[In event.Body] struct {
	Event[In]
	msg      *nats.Msg
	kind     event.Type // what was taken, for the log
	after    uint64     // the sequence that the next event follows
	sequence uint64     // in its own stream
	stored   time.Time  // when it was stored there
	broken   error      // why it is not to be handled; nil for most
	buried   bool       // its dead letter is kept
	appended bool       // what follows it was stored, and the store said so
}

// read makes a message of a delivery. What is wrong with it stands in broken.
func (r *runner[In, Out]) read(msg *nats.Msg) *message[In] {
	m := &message[In]{msg: msg, kind: r.consumes}
	m.User = event.UnknownUser
	info, err := msg.Metadata()
	if err != nil {
		m.Saga = event.SagaID("", msg.Subject, 0, time.Now()) // a name for its dead letter
		m.broken = Poison(fmt.Errorf("read the delivery's metadata: %w", err))
		return m
	}
	m.Delivery, m.sequence, m.stored = int(info.NumDelivered), info.Sequence.Stream, info.Timestamp
	if r.consumes == event.TypeRequested {
		m.broken = r.readRequest(m, info)
	} else {
		m.broken = r.readEvent(m)
	}
	tooOften := m.Delivery > r.cfg.DeliveryLimit || m.Delivery > lateDeliveries && r.late(m)
	if m.broken == nil && r.mayFail && tooOften {
		m.broken = errTooOften
	}
	return m
}

// lateDeliveries is how often an event whose deadline has passed may have been
// delivered without being dead-lettered. A handler that ends the process each
// time costs an ack wait each time, so its saga's deadline comes before the
// delivery limit.
const lateDeliveries = 3

// errTooOften is what is wrong with a message that was delivered more often
// than is allowed without having been settled: its handler ends the process
// each time.
var errTooOften = errors.New("delivered too often without being settled")

// readEvent reads an event of the event store.
func (r *runner[In, Out]) readEvent(m *message[In]) error {
	t, k, err := event.ParseSubject(m.msg.Subject)
	if err != nil {
		m.Saga = event.SagaID("", event.StreamEvents, m.sequence, m.stored) // a name for its dead letter
		return Poison(err)
	}
	m.Key, m.kind, m.after = k, t, m.sequence
	if m.Meta, err = event.ParseMeta(m.msg.Header); err != nil {
		return Poison(err)
	}
	if m.Meta.Deadline.IsZero() {
		return Poison(fmt.Errorf("header %s is missing", event.HeaderDeadline))
	}
	if m.Body, err = r.decode(m.msg.Data); err != nil {
		return Poison(fmt.Errorf("decode %s: %w", r.consumes, err))
	}
	return nil
}

// readRequest reads a request, which comes from outside and begins its saga.
func (r *runner[In, Out]) readRequest(m *message[In], info *nats.MsgMetadata) error {
	header := m.msg.Header
	m.Saga = event.SagaID(header.Get(event.HeaderMsgID), info.Stream, m.sequence, m.stored)
	meta, metaErr := event.ParseMeta(header)
	var bodyErr error
	m.Body, bodyErr = r.decode(m.msg.Data)
	if id := m.Body.UserID(); id != "" {
		m.User = event.UserHash(id)
	}
	m.Meta = r.begin(meta, m)
	switch {
	case bodyErr != nil && !is[*event.FieldError](bodyErr):
		return Poison(fmt.Errorf("decode %s: %w", r.consumes, bodyErr))
	case bodyErr != nil:
		return Reject(event.CodeInvalidRequest, bodyErr)
	case metaErr != nil:
		return Reject(event.CodeInvalidRequest, metaErr)
	}
	return nil
}

// begin completes the headers of a request: its id, and the saga's deadline,
// counted from when the request was stored, and bounded.
func (r *runner[In, Out]) begin(meta event.Meta, m *message[In]) event.Meta {
	if meta.ID == "" {
		meta.ID = eventID(m.Saga, event.TypeRequested)
	}
	meta.Requested = m.stored
	latest := m.stored.Add(r.cfg.MaxDeadline)
	switch {
	case meta.Deadline.IsZero():
		meta.Deadline = m.stored.Add(r.cfg.Deadline)
	case meta.Deadline.After(latest):
		meta.Deadline = latest
	}
	return meta
}

// eventID names an event by its saga and type: the same event made again by a
// redelivery has the same id.
func eventID(saga string, t event.Type) string { return saga + "." + string(t) }

// next returns the headers of the event that follows m.
func (r *runner[In, Out]) next(m *message[In], t event.Type) event.Meta {
	return event.Meta{
		ID:          eventID(m.Saga, t),
		Source:      r.source,
		Type:        t,
		Time:        time.Now(),
		Saga:        m.Saga,
		Deadline:    m.Meta.Deadline,
		Requested:   m.Meta.Requested,
		Causation:   m.Meta.ID,
		Deliveries:  m.Delivery,
		TraceParent: m.Meta.TraceParent,
		TraceState:  m.Meta.TraceState,
	}
}

// decode reads a body. A decoder that panics makes the message poison, not the
// process stop.
func (r *runner[In, Out]) decode(data []byte) (body In, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = recovered(p)
		}
	}()
	return r.step.Decode(data)
}

// decodeJSON is the decoder of a step that names none. Its errors say where,
// and hold nothing of what was read: a number, for one, may be a user's code.
func decodeJSON[In event.Body](data []byte) (In, error) {
	var body In
	err := json.Unmarshal(data, &body)
	if err == nil {
		return body, nil
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return body, fmt.Errorf("not JSON (at byte %d)", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return body, fmt.Errorf("property %q is not a %s", e.Field, e.Type)
	}
	return body, errors.New("not the JSON of this event")
}
