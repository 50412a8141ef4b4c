package saga_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestRun_StopFinishesWhatIsInHand(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	working, finish := make(chan struct{}, 10), make(chan struct{})
	cfg := s.Config()
	one(1)(&cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- saga.Run(ctx, cfg, checking(func(ctx context.Context, _ taken) error {
			working <- struct{}{}
			<-finish
			return ctx.Err()
		}))
	}()
	k := begin(s, "ada")
	receive(t, working, "the handler")
	cancel()
	next := begin(s, "bob") // comes while the step stops: not taken
	select {
	case <-done:
		t.Fatal("stopped with an event in hand")
	default:
	}
	close(finish)
	if err := receive(t, done, "the end of the stop"); err != nil {
		t.Errorf("Run: %v", err)
	}
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	if before := settled(t, verbs, "+ACK"); len(before) > 0 {
		t.Errorf("settled with %q before the ack", before)
	}
	s.ExpectExactly(next, event.TypeTokenVerified)
	if _, waiting := pending(t, s, event.StepCodeChecker); waiting != 1 {
		t.Errorf("%d events wait after the stop, want the next one", waiting)
	}
}

func TestRun_StopCutsOffWhatDoesNotFinish(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	working := make(chan struct{}, 10)
	stop := sagatest.Run(s, checking(func(ctx context.Context, _ taken) error {
		working <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	}), func(c *saga.Config) { c.Grace, c.HandleTimeout = 100*time.Millisecond, time.Hour })
	k := begin(s, "ada")
	receive(t, working, "the handler")
	stop() // in time, or it fails the test

	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }))
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked) // long before the ack wait ends
}

func TestRun_StopGivesBackWhatIsHeld(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	var keys []event.Key
	for range 3 {
		keys = append(keys, begin(s, "ada"))
	}
	tries := make(chan struct{}, 1000)
	stop := sagatest.Run(s, checking(func(context.Context, taken) error {
		tries <- struct{}{}
		return saga.Unavailable(errors.New("redis is away"))
	}), one(8))
	for range 6 {
		receive(t, tries, "a try")
	}
	stop()
	for range keys {
		settled(t, verbs, "-NAK")
	}
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery < 2 {
			t.Errorf("delivery %d, want a later one", e.Delivery)
		}
		return nil
	}))
	for _, k := range keys {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	}
}

func TestRun_StopsWithoutAServer(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	running := make(chan struct{}, 1)
	stop := sagatest.Run(s, checking(func(context.Context, taken) error { return nil }), onLog("step is running", running))
	waiting := make(chan struct{}, 1000)
	stopWaiting := sagatest.Run(s, encrypting(func(context.Context, saga.Event[event.CodeChecked]) error { return nil }),
		onLog("no consumer yet", waiting))
	receive(t, running, "the step")
	receive(t, waiting, "the step without a consumer")
	s.Stop()
	stop()
	stopWaiting()
}
