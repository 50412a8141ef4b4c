package saga_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestRun_UnavailableHoldsWithoutSpendingDeliveries(t *testing.T) {
	t.Parallel()
	const batch, sagas = 2, 12
	s := sagatest.New(t, event.StepCodeChecker)
	var keys []event.Key
	for i := range sagas {
		keys = append(keys, begin(s, fmt.Sprintf("user-%d", i)))
	}
	var away atomic.Bool
	away.Store(true)
	tries := make(chan string, 1000)
	resumed := make(chan time.Time, sagas)
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery > 1 {
			t.Errorf("saga %s: delivery %d", e.Saga, e.Delivery)
		}
		if away.Load() {
			tries <- e.Saga
			return saga.Unavailable(errors.New("redis is away"))
		}
		resumed <- time.Now()
		return nil
	}), one(batch), limit(1))

	distinct := map[string]bool{}
	for range 9 {
		distinct[receive(t, tries, "a try")] = true
	}
	if len(distinct) != batch {
		t.Errorf("%d sagas were tried while the dependency was away, want %d", len(distinct), batch)
	}
	if inHand, waiting := pending(t, s, event.StepCodeChecker); inHand != batch || waiting != sagas-batch {
		t.Errorf("%d in hand, %d left, want %d and %d", inHand, waiting, batch, sagas-batch)
	}
	away.Store(false)
	back := time.Now()
	if d := receive(t, resumed, "the work").Sub(back); d > 2*time.Second {
		t.Errorf("work went on %s after the dependency came back, want 2 s at most", d)
	}
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_HeldEventsOutliveTheAckWait(t *testing.T) {
	t.Parallel()
	const ackWait = 3 * time.Second
	s := sagatest.NewWith(t, sagatest.Options{AckWait: ackWait}, event.StepCodeChecker)
	began := time.Now()
	away := func() bool { return time.Since(began) < ackWait+2*time.Second }
	keys := []event.Key{begin(s, "ada"), begin(s, "bob"), begin(s, "cy")}
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery > 1 {
			t.Errorf("saga %s: delivery %d", e.Saga, e.Delivery)
		}
		if away() {
			return saga.Unavailable(errors.New("redis is away"))
		}
		return nil
	}), one(8)) // with room to take a redelivery
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_HeldSagaEndsAtItsDeadline(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var keys []event.Key
	for i := range 5 {
		k := s.Key("ada")
		s.Append(verified("ada"), k, time.Now().Add(time.Duration(500+100*i)*time.Millisecond))
		keys = append(keys, k)
	}
	sagatest.Run(s, checking(func(context.Context, taken) error {
		return saga.Unavailable(errors.New("redis is away"))
	}), one(2))
	for _, k := range keys {
		failed := s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)[1]
		if got := s.Ended(failed).Code; got != event.CodeDeadlineExceeded {
			t.Errorf("saga %s failed with %s", k.Saga, got)
		}
	}
}

func TestRun_OddHeldEventsDoNotBlockOthers(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	odd := []event.Key{begin(s, "odd"), begin(s, "odd")}
	tries := make(chan struct{}, 1000)
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Body.ID == "odd" {
			tries <- struct{}{}
			return saga.Unavailable(errors.New("sealed to a key that is not here"))
		}
		return nil
	}), one(8))
	for range 6 {
		receive(t, tries, "a try of the odd events")
	}
	for i := range 30 {
		s.ExpectExactly(begin(s, fmt.Sprintf("user-%d", i)), event.TypeTokenVerified, event.TypeCodeChecked)
	}
	for _, k := range odd {
		s.ExpectExactly(k, event.TypeTokenVerified)
	}
}

func TestRun_FullStreamLosesNothing(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier, event.StepCodeChecker)
	limitEvents(t, s, 10)
	const n = 40
	tries := make(chan struct{}, 100_000)
	sagatest.Run(s, verifying(func(saga.Event[event.Requested]) error { tries <- struct{}{}; return nil }))
	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }))
	var keys []event.Key
	for i := range n {
		keys = append(keys, s.Publish(request(fmt.Sprintf("user-%d", i)), fmt.Sprintf("m-%d", i)))
	}
	for range n + 4 { // more often than there are requests: appends were refused
		receive(t, tries, "the handler")
	}
	limitEvents(t, s, -1)
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
	if l := s.DeadLetters(0); len(l) > 0 {
		t.Errorf("%d dead letters", len(l))
	}
}

func TestRun_DeadLetterStreamAwayLosesNothing(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	stream, err := s.JS().Stream(t.Context(), event.StreamDeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	if err := s.JS().DeleteStream(t.Context(), cfg.Name); err != nil {
		t.Fatal(err)
	}
	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }), one(8))
	keys := []event.Key{s.Key("ada"), s.Key("ada"), s.Key("ada")}
	for _, k := range keys { // late at once: still dead letters first
		s.AppendRaw(event.TypeTokenVerified, []byte("poison"), k, time.Now())
	}
	s.ExpectExactly(begin(s, "next"), event.TypeTokenVerified, event.TypeCodeChecked)
	for _, k := range keys {
		s.ExpectExactly(k, event.TypeTokenVerified)
	}
	if _, err := s.JS().CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	}
	if got := len(s.DeadLetters(len(keys))); got != len(keys) {
		t.Errorf("%d dead letters, want %d", got, len(keys))
	}
}

func TestRun_ServerRestart(t *testing.T) {
	t.Parallel()
	s := sagatest.NewWith(t, sagatest.Options{AckWait: 2 * time.Second})
	const n = 300
	completed := make(chan struct{}, 2*n)
	runPath(s, func() { completed <- struct{}{} })
	var keys []event.Key
	for i := range n {
		keys = append(keys, s.Publish(request(fmt.Sprintf("user-%d", i)), fmt.Sprintf("m-%d", i)))
		if i == n/3 {
			receive(t, completed, "the first saga's end")
		}
	}
	s.Restart()
	expectAll(t, s, keys, path...)
	if l := s.DeadLetters(0); len(l) > 0 {
		t.Errorf("%d dead letters", len(l))
	}
}

// path is the history of a saga that went well.
var path = []event.Type{
	event.TypeTokenVerified, event.TypeCodeChecked, event.TypeEncrypted, event.TypeCreated, event.TypeCompleted,
}

// runPath runs the five steps of the forward path with empty handlers.
func runPath(s *sagatest.Server, completing func(), change ...func(*saga.Config)) (stop func()) {
	stops := []func(){
		sagatest.Run(s, verifying(nothing), change...),
		sagatest.Run(s, checking(func(context.Context, taken) error { return nil }), change...),
		sagatest.Run(s, encrypting(func(context.Context, saga.Event[event.CodeChecked]) error { return nil }), change...),
		sagatest.Run(s, saga.Step[event.Encrypted, event.Created]{
			Name: event.StepUserWriter,
			Handle: saga.Each(8, func(_ context.Context, e saga.Event[event.Encrypted]) (event.Created, error) {
				return event.Created{ID: e.Body.ID}, nil
			}),
		}, change...),
		sagatest.Run(s, deleting(func(created) error { completing(); return nil }), change...),
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

func TestRun_WaitsForItsConsumer(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepEncryptor) // not the code-checker
	k := begin(s, "ada")
	missed := make(chan struct{}, 100)
	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }), onLog("no consumer yet", missed))
	receive(t, missed, "a look for the consumer")
	_, err := s.JS().CreateConsumer(t.Context(), event.StreamEvents, jetstream.ConsumerConfig{
		Durable: event.StepCodeChecker, FilterSubject: event.SagaEvents(event.TypeTokenVerified), AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
}
