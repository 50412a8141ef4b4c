package saga_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestRun_AcksOnlyAfterAppend(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	k := begin(s, "ada")
	limitEvents(t, s, 1) // no append succeeds
	tries := make(chan struct{}, 100)
	sagatest.Run(s, checking(func(context.Context, taken) error { tries <- struct{}{}; return nil }))

	for range 3 {
		receive(t, tries, "the handler")
	}
	for len(verbs) > 0 {
		if verb := <-verbs; verb != "+WPI" {
			t.Fatalf("%s before the append was stored", verb)
		}
	}
	limitEvents(t, s, -1)
	settled(t, verbs, "+ACK")
	if got := len(s.History(k)); got != 2 {
		t.Fatalf("acked with %d events stored, want 2", got)
	}
}

func TestRun_RedeliveryAppendsOnce(t *testing.T) {
	t.Parallel()
	s := sagatest.NewWith(t, sagatest.Options{AckWait: 500 * time.Millisecond}, event.StepCodeChecker)
	verbs := settlements(t, s)
	k := begin(s, "ada")
	again := make(chan struct{})
	var once sync.Once
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery > 1 {
			once.Do(func() { close(again) })
		}
		<-again // the first delivery is in hand until the second is, too
		return nil
	}))
	settled(t, verbs, "+ACK")
	settled(t, verbs, "+ACK")
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_LostAckIsHarmless(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	k := begin(s, "ada")
	msg := take(t, s, event.StreamEvents, event.StepCodeChecker)
	s.Append(checked("ada"), k, time.Time{}) // stored; then the process dies
	if err := msg.Nak(); err != nil {
		t.Fatal(err)
	}
	settled(t, verbs, "-NAK")

	step := checking(func(context.Context, taken) error { return nil })
	step.Undo = func(context.Context, taken) error { t.Error("undone, though the saga goes on"); return nil }
	sagatest.Run(s, step)
	if before := settled(t, verbs, "+ACK"); len(before) > 0 {
		t.Errorf("settled with %q before the ack", before)
	}
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_RejectionEndsTheSaga(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	for _, tt := range []struct {
		name string
		err  error
		want event.Ended
	}{
		{
			"with its code", saga.Reject(event.CodeIncorrect, errors.New("differs")),
			event.Ended{ID: "ada", Code: event.CodeIncorrect, Message: "The verification code is incorrect", Step: event.StepCodeChecker},
		},
		{
			"and names the other saga of a duplicate", fmt.Errorf("claim: %w", saga.Duplicate("other")),
			event.Ended{ID: "ada", Code: event.CodeDuplicateRequest, Message: "Error processing job", Step: event.StepCodeChecker, Of: "other"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stop := sagatest.Run(s, checking(func(context.Context, taken) error { return tt.err }))
			defer stop()
			k := begin(s, "ada")
			failed := s.Expect(k, event.TypeFailed)
			if diff := cmp.Diff(tt.want, s.Ended(failed)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if want := k.Saga + ".token-verified"; failed.Meta.Causation != want || failed.Meta.Source != "/create-user/code-checker" {
				t.Errorf("failed has causation %q, source %q", failed.Meta.Causation, failed.Meta.Source)
			}
			s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
		})
	}
}

func TestRun_RetryDelaysOnlyItsOwnSaga(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	bad := begin(s, "bad")
	var others []event.Key
	for i := range 20 {
		others = append(others, begin(s, fmt.Sprintf("user-%d", i)))
	}
	release := make(chan struct{})
	deliveries := make(chan time.Time, 10)
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Body.ID != "bad" {
			return nil
		}
		deliveries <- time.Now()
		select {
		case <-release:
			return nil
		default:
			return errors.New("something odd")
		}
	}), one(64))
	for _, k := range others {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	}
	first, second, third := receive(t, deliveries, "1"), receive(t, deliveries, "2"), receive(t, deliveries, "3")
	if d := second.Sub(first); d < 50*time.Millisecond {
		t.Errorf("first retry after %s, want 50 ms at least", d)
	}
	if d := third.Sub(second); d < 100*time.Millisecond {
		t.Errorf("second retry after %s, want 100 ms at least", d)
	}
	close(release)
	s.ExpectExactly(bad, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_RedeliveredEventsRunAlone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	const n = 10
	var keys []event.Key
	for i := range n {
		keys = append(keys, begin(s, fmt.Sprintf("user-%d", i)))
	}
	verbs := settlements(t, s)
	var first []jetstream.Msg
	for range n {
		first = append(first, take(t, s, event.StreamEvents, event.StepCodeChecker))
	}
	for _, msg := range first {
		if err := msg.Nak(); err != nil {
			t.Fatal(err)
		}
		settled(t, verbs, "-NAK")
	}
	sagatest.Run(s, checker{Name: event.StepCodeChecker, Handle: func(_ context.Context, batch []taken) []saga.Result[event.CodeChecked] {
		results := make([]saga.Result[event.CodeChecked], len(batch))
		for i, e := range batch {
			results[i].Next = checked(e.Body.ID)
			if e.Delivery < 2 || len(batch) > 1 {
				t.Errorf("delivery %d in a batch of %d", e.Delivery, len(batch))
			}
		}
		return results
	}}, one(n))
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestRun_TwoRunnersShareOneConsumer(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	const n = 100
	var handled sync.Map // deliveries by saga
	var doubled atomic.Int64
	both := make(chan struct{}) // closed when both runners have an event in hand
	var here sync.WaitGroup
	here.Add(2)
	go func() { here.Wait(); close(both) }()
	for range 2 {
		var arrive sync.Once
		_, js := s.Connect()
		sagatest.Run(s, checking(func(_ context.Context, e taken) error {
			if _, again := handled.LoadOrStore(e.Saga, true); again {
				doubled.Add(1)
			}
			arrive.Do(here.Done)
			<-both
			return nil
		}), one(4), func(c *saga.Config) { c.JetStream = js })
	}
	var keys []event.Key
	for i := range n {
		keys = append(keys, begin(s, fmt.Sprintf("user-%d", i)))
	}
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
	if n := doubled.Load(); n > 0 {
		t.Errorf("%d events were handled by both runners", n)
	}
}

func TestRun_PastThePivotNothingFails(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeDeleter)
	errs := []error{
		errors.New("something odd"), errors.New("something odd"), // beyond the delivery limit
		saga.Reject(event.CodeIncorrect, errors.New("no")),
		saga.Unavailable(errors.New("away")),
		nil,
	}
	calls := 0
	sagatest.Run(s, deleting(func(created) error { calls++; return errs[calls-1] }), one(1), limit(1))

	k := s.Key("ada")
	s.Append(event.Created{ID: "ada"}, k, time.Now().Add(-time.Minute)) // long past its deadline
	s.ExpectExactly(k, event.TypeCreated, event.TypeCompleted)
	if calls != len(errs) {
		t.Errorf("handled %d times, want %d", calls, len(errs))
	}
}

func TestRun_AppendsOnlyWhatThePathHas(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeDeleter)
	codes := make(chan event.Code, 2)
	codes <- event.CodeProcessingError // makes a failed, which must not follow created
	codes <- event.CodeCreated
	sagatest.Run(s, deleter{
		Name: event.StepCodeDeleter,
		Handle: saga.Each(1, func(_ context.Context, e created) (event.Ended, error) {
			return event.NewEnded(e.Body.ID, event.StepCodeDeleter, <-codes), nil
		}),
	})
	k := s.Key("ada")
	s.Append(event.Created{ID: "ada"}, k, time.Time{})
	s.ExpectExactly(k, event.TypeCreated, event.TypeCompleted)
}

func TestRun_RefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	step := checking(func(context.Context, taken) error { return nil })
	stranger := step
	stranger.Name = "stranger"
	if err := saga.Run(t.Context(), s.Config(), stranger); err == nil {
		t.Error("a step that is not in the path runs")
	}
	if err := saga.Run(t.Context(), saga.Config{JetStream: s.JS()}, step); err == nil {
		t.Error("a step without a sealer of dead letters runs")
	}
	if err := saga.Run(t.Context(), saga.Config{DeadLetters: s.Config().DeadLetters}, step); err == nil {
		t.Error("a step without JetStream runs")
	}
}
