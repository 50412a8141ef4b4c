package model_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/test/model"
)

// TestRunner_DoesWhatTheModelDoes has the real runner take deliveries that the
// model has settled. The test stands where JetStream does, gives the answers that
// the model was given, and expects the runner to ask the same, in the same order.
func TestRunner_DoesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	shapes := map[string]model.Delivery{}
	settled := 0
	for seed := range uint64(recorded) {
		model.New(model.Options{Chooser: bySeed(seed), Record: func(d model.Delivery) {
			settled++
			if count(d.Trace, "hold") <= 1 && len(d.Trace) <= longest {
				shapes[d.String()] = d
			}
		}}).Run()
	}
	t.Logf("%d deliveries, %d that differ", settled, len(shapes))
	if len(shapes) < 200 {
		t.Errorf("only %d deliveries differ", len(shapes))
	}
	for _, step := range event.Path() {
		if step.Name != event.StepNotifier {
			t.Run(step.Name, func(t *testing.T) {
				t.Parallel()
				newStandIn(t).compare(t, step.Name, shapes)
			})
		}
	}
}

const (
	recorded = 1500 // seeds
	longest  = 9    // what a runner asks for in one delivery that is compared
)

func count(list []string, word string) int {
	n := 0
	for _, w := range list {
		if w == word {
			n++
		}
	}
	return n
}

// standIn answers a runner in JetStream's place.
type standIn struct {
	*wire
	js     jetstream.JetStream
	sealer *event.Sealer
	pulls  chan string // where a pull is to be answered; the latest only
	asked  chan *nats.Msg
}

func newStandIn(t *testing.T) *standIn {
	t.Helper()
	key, err := event.GenerateKey("operators")
	must(t, err)
	s := &standIn{sealer: event.NewSealer(key.Public()), pulls: make(chan string, 1), asked: make(chan *nats.Msg, 64)}
	s.wire = newWire(t, s.sort)
	s.js, err = jetstream.New(s.wire.client, jetstream.WithPublishAsyncTimeout(5*time.Second))
	must(t, err)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sort sorts what a runner sends: what is of no interest is answered at once.
func (s *standIn) sort(msg *nats.Msg) {
	switch {
	case strings.HasPrefix(msg.Subject, "$JS.API.CONSUMER.INFO."):
		parts := strings.Split(msg.Subject, ".")
		s.reply(msg, nil, fmt.Sprintf(`{"stream_name":%q,"name":%q,"config":{"durable_name":%[2]q}}`, parts[4], parts[5]))
	case strings.HasPrefix(msg.Subject, "$JS.API.CONSUMER.MSG.NEXT."):
		select {
		case <-s.pulls:
		default:
		}
		s.pulls <- msg.Reply
	case string(msg.Data) == "+WPI":
	default:
		s.asked <- msg
	}
}

// compare has the real runner of a step take every recorded delivery of it.
func (s *standIn) compare(t *testing.T, step string, shapes map[string]model.Delivery) {
	t.Helper()
	p := &play{standIn: s, t: t}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	run := p.steps()[step]
	go func() { done <- run(ctx) }()
	n := 0
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		if d := shapes[name]; d.Step == step && !t.Failed() {
			p.deliver(d)
			n++
		}
	}
	stop()
	must(t, <-done)
	t.Logf("%d deliveries", n)
	if n < 3 {
		t.Errorf("only %d deliveries of this step were recorded", n)
	}
}

// play is one step's runner, and the delivery that it has in hand.
type play struct {
	*standIn
	t     *testing.T
	d     model.Delivery
	at    int // in its trace
	key   event.Key
	after uint64
	n     uint64
}

// steps returns every step with handlers that do what was recorded.
func (p *play) steps() map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		event.StepTokenVerifier: runner(p, event.StepTokenVerifier, func(r event.Requested) event.TokenVerified { return event.TokenVerified{ID: r.ID} }),
		event.StepCodeChecker:   runner(p, event.StepCodeChecker, func(e event.TokenVerified) event.CodeChecked { return event.CodeChecked{ID: e.ID} }),
		event.StepEncryptor:     runner(p, event.StepEncryptor, func(e event.CodeChecked) event.Encrypted { return event.Encrypted{ID: e.ID} }),
		event.StepUserWriter:    runner(p, event.StepUserWriter, func(e event.Encrypted) event.Created { return event.Created{ID: e.ID} }),
		event.StepCodeDeleter: runner(p, event.StepCodeDeleter, func(e event.Created) event.Ended {
			return event.NewEnded(e.ID, event.StepCodeDeleter, event.CodeCreated)
		}),
		event.StepClaimReleaser: runner(p, event.StepClaimReleaser, func(event.Ended) saga.Nothing { return saga.Nothing{} }),
		event.StepRowRemover:    runner(p, event.StepRowRemover, func(event.Ended) saga.Nothing { return saga.Nothing{} }),
	}
}

// runner returns what runs the real runner of a step. Which have an Undo is the
// services' to say: the code-checker and the user-writer.
func runner[In, Out event.Body](p *play, name string, next func(In) Out) func(context.Context) error {
	step := saga.Step[In, Out]{Name: name, Handle: saga.Each(1, func(_ context.Context, e saga.Event[In]) (Out, error) {
		return next(e.Body), p.handled()
	})}
	if name == event.StepCodeChecker || name == event.StepUserWriter {
		step.Undo = func(context.Context, saga.Event[In]) error {
			if p.next("undo") != "done" {
				return errors.New("cannot undo")
			}
			return nil
		}
	}
	if name == event.StepTokenVerifier {
		step.Decode = func(data []byte) (in In, err error) {
			if err := json.Unmarshal(data, &in); err != nil {
				return in, err
			}
			if p.d.Broken != "" {
				return in, &event.FieldError{}
			}
			return in, nil
		}
	}
	cfg := saga.Config{JetStream: p.js, DeadLetters: p.sealer, Logger: zerolog.Nop(), Batch: 1, Loops: 1, DeliveryLimit: model.DeliveryLimit}
	return func(ctx context.Context) error { return saga.Run(ctx, cfg, step) }
}

// next returns how the next thing of the trace went, which must be of a kind.
func (p *play) next(kind string) string {
	for p.at < len(p.d.Trace) && p.d.Trace[p.at] == "hold" && kind == p.afterHold() {
		p.at++
	}
	if p.at == len(p.d.Trace) || !strings.HasPrefix(p.d.Trace[p.at]+" ", kind+" ") {
		p.t.Errorf("the runner wants to %s\nat %d of %s", kind, p.at, p.d)
		return ""
	}
	said := strings.TrimPrefix(p.d.Trace[p.at], kind)
	p.at++
	return strings.TrimPrefix(said, " ")
}

// afterHold is what follows a hold in the trace.
func (p *play) afterHold() string {
	if p.at+1 == len(p.d.Trace) {
		return ""
	}
	kind, _, _ := strings.Cut(p.d.Trace[p.at+1], " ")
	if kind == "append" {
		return strings.Join(strings.Fields(p.d.Trace[p.at+1])[:2], " ")
	}
	return kind
}

// handled is what the handler returns.
func (p *play) handled() error {
	said, code, _ := strings.Cut(p.next("handle"), " ")
	switch said {
	case "rejected":
		return saga.Reject(event.Code(code), errors.New("so it was recorded"))
	case "unavailable":
		return saga.Unavailable(errors.New("away"))
	case "odd":
		return errors.New("odd")
	case "panicked":
		panic("so it was recorded")
	}
	return nil
}

// deliver has the runner take a recorded delivery, and answers it until it has
// said what becomes of it.
func (p *play) deliver(d model.Delivery) {
	p.n++
	p.d, p.at, p.after = d, 0, 0
	p.key = event.Key{User: event.UserHash("ada"), Saga: "s" + strconv.FormatUint(p.n, 10)}
	msg := &nats.Msg{Subject: event.SubjectRequested, Header: p.headers()}
	stream := event.StreamRequests
	if d.Type != event.TypeRequested {
		stream, msg.Subject, p.after = event.StreamEvents, p.key.Subject(d.Type), 10*p.n
	}
	msg.Reply = fmt.Sprintf("$JS.ACK.%s.%s.%d.%d.1.%d.0", stream, d.Step, d.Number, 10*p.n, time.Now().UnixNano())
	msg.Data = []byte(`{"id": "ada"}`)
	if d.Broken == "poison" {
		msg.Data = []byte("x")
	}
	p.send(<-p.pulls, msg)
	for limit := time.After(20 * time.Second); !p.t.Failed(); {
		select {
		case asked := <-p.asked:
			if p.answer(asked) {
				return
			}
		case <-limit:
			p.t.Errorf("the runner does nothing\nat %d of %s", p.at, d)
		}
	}
}

func (p *play) headers() nats.Header {
	in := time.Hour
	if p.d.Late {
		in = -time.Minute
	}
	m := event.Meta{ID: p.key.Saga, Type: p.d.Type, Saga: p.key.Saga, Deadline: time.Now().Add(in)}
	header := m.Header()
	header[event.HeaderMsgID] = []string{p.key.Saga}
	return header
}
