package saga_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"
	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// TestModel drives sagas through random interleavings of deliveries,
// redeliveries, crashes between effect, append and ack, lost answers, and a
// racing deadline, over the real event store, and then lets everything come to
// rest. At every moment a saga has one terminal event at most, and nothing behind
// it; at rest it has exactly one, and its effects stand exactly when it completed.
func TestModel(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepEncryptor) // no consumer is used: the test delivers
	out, err := saga.OpenLossy(s.JS().Conn(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	var ends [2]int
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt, s, out)
		rt.Repeat(map[string]func(*rapid.T){
			"deliver":  m.deliver,
			"handle":   m.handle,
			"settle":   m.settle,
			"crash":    m.crash,
			"deadline": m.deadline,
			"":         m.check,
		})
		m.rest(rt)
		if m.history[len(m.history)-1].Type == event.TypeCompleted {
			ends[0]++
		} else {
			ends[1]++
		}
	})
	t.Logf("%d completed, %d failed", ends[0], ends[1])
	if ends[0] == 0 || ends[1] == 0 {
		t.Error("the model does not reach both ends")
	}
}

// model is one saga: what stands in the store, what is in hand, and its effects.
type model struct {
	s       *sagatest.Server
	key     event.Key
	history []saga.Stored
	takers  map[string]func(*nats.Msg) saga.Delivery
	open    []*delivered // what the server would deliver: neither acked nor dead-lettered
	inHand  []*working
	busy    *working // whose turn it is

	// effects of steps by name. Of the row-remover a tombstone stays, which refuses
	// a late effect.
	effects   map[string]bool
	tombstone bool

	result    error // of the next call of a handler
	early     bool  // the handler fails before its effect, not after it
	undoFails bool
	out       *saga.Lossy // of all appends
}

// delivered is an event as one step's consumer sees it.
type delivered struct {
	saga.Stored
	step       string
	deliveries int
	settled    bool
}

// working is a delivery in some process's hand.
type working struct {
	saga.Delivery
	of      *delivered
	handled bool
	deaf    bool // what it tells the server gets lost
}

const modelLimit = 5

func newModel(t *rapid.T, s *sagatest.Server, out *saga.Lossy) *model {
	m := &model{s: s, key: s.Key("ada"), effects: map[string]bool{}, out: out}
	cfg := s.Config()
	cfg.Logger, cfg.DeliveryLimit = zerolog.Nop(), modelLimit
	m.takers = map[string]func(*nats.Msg) saga.Delivery{
		event.StepCodeChecker: drive(cfg, m, event.StepCodeChecker, func(e event.TokenVerified) event.CodeChecked { return checked(e.ID) }),
		event.StepEncryptor:   drive(cfg, m, event.StepEncryptor, func(e event.CodeChecked) event.Encrypted { return event.Encrypted{ID: e.ID} }),
		event.StepUserWriter:  drive(cfg, m, event.StepUserWriter, func(e event.Encrypted) event.Created { return event.Created{ID: e.ID} }),
		event.StepCodeDeleter: drive(cfg, m, event.StepCodeDeleter, func(e event.Created) event.Ended {
			return event.NewEnded(e.ID, event.StepCodeDeleter, event.CodeCreated)
		}),
		event.StepClaimReleaser: drive(cfg, m, event.StepClaimReleaser, func(event.Ended) saga.Nothing { return saga.Nothing{} }),
		event.StepRowRemover:    drive(cfg, m, event.StepRowRemover, func(event.Ended) saga.Nothing { return saga.Nothing{} }),
	}
	deadline := time.Now().Add(time.Hour)
	if rapid.IntRange(0, 9).Draw(t, "late") == 0 {
		deadline = time.Now()
	}
	s.Append(verified("ada"), m.key, deadline)
	m.observe()
	return m
}

// undoes says whose effect a compensation takes back.
var undoes = map[string]string{event.StepClaimReleaser: event.StepCodeChecker, event.StepRowRemover: event.StepUserWriter}

// drive makes a step whose effect is an entry in m.effects.
func drive[In, Out event.Body](cfg saga.Config, m *model, name string, next func(In) Out) func(*nats.Msg) saga.Delivery {
	handle := func(_ context.Context, e saga.Event[In]) (Out, error) {
		if m.early && m.result != nil {
			return next(e.Body), m.result
		}
		m.effect(name)
		if errors.Is(m.result, errPanic) {
			panic("over the event")
		}
		return next(e.Body), m.result
	}
	undo := func(context.Context, saga.Event[In]) error {
		if m.undoFails {
			return errors.New("cannot undo")
		}
		delete(m.effects, name)
		return nil
	}
	take, err := saga.Drive(cfg, saga.Step[In, Out]{Name: name, Handle: saga.Each(1, handle), Undo: undo}, m.out, m.told)
	if err != nil {
		panic(err)
	}
	return take
}

// effect is what a step does to the world. A process that was left behind (its
// event is settled by another) can do no harm: a tombstone refuses the row, and
// a claim lapses.
func (m *model) effect(step string) {
	of, compensates := undoes[step]
	switch {
	case compensates:
		delete(m.effects, of)
		m.tombstone = m.tombstone || of == event.StepUserWriter
	case step == event.StepUserWriter && m.tombstone, m.busy.of.settled:
	default:
		m.effects[step] = true
	}
}

// observe reads the history and opens what is new in it to its consumers.
func (m *model) observe() {
	history := m.s.History(m.key)
	for _, e := range history[len(m.history):] {
		for _, step := range event.Path() {
			if m.takers[step.Name] != nil && slices.Contains(step.Consumes, e.Type) {
				m.open = append(m.open, &delivered{Stored: e, step: step.Name})
			}
		}
	}
	m.history = history
}

// deliver delivers one of the open events, again perhaps.
func (m *model) deliver(t *rapid.T) {
	if len(m.open) == 0 || len(m.inHand) == 4 {
		t.Skip("nothing to deliver, or no hand free")
	}
	m.take(rapid.SampledFrom(m.open).Draw(t, "event"))
}

func (m *model) take(d *delivered) *working {
	d.deliveries++
	w := &working{of: d, Delivery: m.takers[d.step](&nats.Msg{
		Subject: d.Key.Subject(d.Type), Header: d.Meta.Header(), Data: d.Data, Sub: &nats.Subscription{},
		// Stream, consumer, deliveries, sequences of stream and consumer, time, pending.
		Reply: fmt.Sprintf("$JS.ACK.%s.%s.%d.%d.1.%d.0", event.StreamEvents, d.step, d.deliveries, d.Sequence, d.Time.UnixNano()),
	})}
	m.inHand = append(m.inHand, w)
	return w
}

var (
	errPanic = errors.New("panic")
	outcomes = []error{
		nil, nil, nil, nil, nil, nil, errors.New("odd"), saga.Unavailable(errors.New("away")),
		saga.Reject(event.CodeIncorrect, errors.New("no")), errPanic,
	}
)

// handle lets a process handle what it has in hand: effect, then perhaps an error.
func (m *model) handle(t *rapid.T) {
	w := m.pick(t, func(w *working) bool { return !w.handled })
	m.result = rapid.SampledFrom(outcomes).Draw(t, "outcome")
	m.early = rapid.Bool().Draw(t, "before its effect")
	m.busy, w.handled = w, true
	w.Handle(t.Context())
}

// settle lets a process settle what it has handled: append, then ack.
func (m *model) settle(t *rapid.T) {
	w := m.pick(t, func(w *working) bool { return w.handled })
	m.out.Fault = rapid.SampledFrom([]saga.Fault{saga.NoFault, saga.NoFault, saga.NoFault, saga.RequestLost, saga.AnswerLost}).Draw(t, "fault")
	m.undoFails = rapid.IntRange(0, 4).Draw(t, "undo fails") == 0
	w.deaf = rapid.IntRange(0, 3).Draw(t, "ack is lost") == 0
	m.finish(t.Context(), w)
}

func (m *model) finish(ctx context.Context, w *working) {
	w.handled, m.busy = false, w
	if held := w.Settle(ctx); !held {
		m.drop(w)
	}
	m.open = slices.DeleteFunc(m.open, func(d *delivered) bool { return d.settled })
	m.observe()
}

// crash loses what a process has in hand.
func (m *model) crash(t *rapid.T) { m.drop(m.pick(t, func(*working) bool { return true })) }

func (m *model) drop(w *working) {
	m.inHand = slices.DeleteFunc(m.inHand, func(v *working) bool { return v == w })
}

func (m *model) pick(t *rapid.T, fits func(*working) bool) *working {
	var fitting []*working
	for _, w := range m.inHand {
		if fits(w) {
			fitting = append(fitting, w)
		}
	}
	if len(fitting) == 0 {
		t.Skip("nothing in hand")
	}
	return rapid.SampledFrom(fitting).Draw(t, "in hand")
}

// deadline lets a watchdog that has seen some event end the saga behind it.
func (m *model) deadline(t *rapid.T) {
	if rapid.IntRange(0, 9).Draw(t, "passes") > 0 {
		t.Skip("not yet")
	}
	seen := rapid.SampledFrom(m.history).Draw(t, "seen")
	if !seen.Type.BeforePivot() {
		t.Skip("past the pivot")
	}
	if err := expire(t.Context(), m.s, m.key, seen.Meta, seen.Sequence); err != nil {
		t.Fatalf("append failed: %v", err)
	}
	m.observe()
}

// check holds at every moment.
func (m *model) check(t *rapid.T) {
	for i, e := range m.history {
		last := i == len(m.history)-1
		if e.Type.Terminal() && !last {
			t.Fatalf("%s follows the terminal event %s", m.history[i+1].Type, e.Type)
		}
		if e.Type == event.TypeFailed && i > 0 && !m.history[i-1].Type.BeforePivot() {
			t.Fatalf("failed follows %s", m.history[i-1].Type)
		}
		if e.Type != event.TypeFailed && e.Type != append([]event.Type{}, path...)[i] {
			t.Fatalf("event %d is %s, want %s", i+1, e.Type, path[i])
		}
	}
}

// rest handles without faults all that is in hand or open, and checks the end.
func (m *model) rest(t *rapid.T) {
	m.result, m.out.Fault, m.undoFails = nil, saga.NoFault, false
	for rounds := 0; len(m.inHand)+len(m.open) > 0; rounds++ {
		if rounds > 100 {
			t.Fatalf("no rest: %d in hand, %d open", len(m.inHand), len(m.open))
		}
		if len(m.inHand) == 0 {
			m.take(m.open[0])
		}
		w := m.inHand[0]
		if m.busy = w; !w.handled {
			w.Handle(t.Context())
		}
		w.deaf = false
		m.finish(t.Context(), w)
		m.check(t)
	}
	end := m.history[len(m.history)-1].Type
	if !end.Terminal() {
		t.Fatalf("the saga rests after %s", end)
	}
	for _, step := range undoes {
		if m.effects[step] != (end == event.TypeCompleted) {
			t.Fatalf("the saga has %s, the effect of %s stands: %t", end, step, m.effects[step])
		}
	}
}

// told is what the server hears of a delivery.
func (m *model) told(_, word string) {
	if word == "+ACK" || strings.HasPrefix(word, "+TERM") {
		m.busy.of.settled = m.busy.of.settled || !m.busy.deaf
	}
}
