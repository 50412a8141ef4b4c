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
	working, finish := make(chan struct{}), make(chan struct{})
	stop := sagatest.Run(s, checking(func(ctx context.Context, _ taken) error {
		close(working)
		<-finish
		return ctx.Err()
	}), one(1))
	k := begin(s, "ada")
	receive(t, working, "the handler")
	next := begin(s, "bob") // comes while the step stops: not taken

	stopped := make(chan struct{})
	stopping := make(chan struct{})
	go func() { defer close(stopped); close(stopping); stop() }()
	receive(t, stopping, "the stop")
	select {
	case <-stopped:
		t.Fatal("stopped with an event in hand")
	default:
	}
	close(finish)
	receive(t, stopped, "the end of the stop")
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	if before := settled(t, verbs, "+ACK"); len(before) > 0 {
		t.Errorf("settled with %q before the ack", before)
	}
	s.ExpectExactly(next, event.TypeTokenVerified)
	if inHand, waiting := pending(t, s, event.StepCodeChecker); waiting != 1 {
		t.Errorf("%d in hand, %d waiting after the stop, want the next event to wait", inHand, waiting)
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
		if e.Delivery != 2 {
			t.Errorf("delivery %d, want 2", e.Delivery)
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
