package saga_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// tally is an observer that counts.
type tally struct {
	mu          sync.Mutex // guards all
	Taken       int
	Again       int
	Handled     int
	Settled     map[saga.Settlement]int
	InHand      int
	Held        int
	MostHeld    int
	Appended    map[event.Type]int
	First       int
	Codes       map[event.Code]int
	Requested   int // appends of sagas whose request's time is known
	DeadLetters map[event.Reason]int
}

func observing(o *tally) func(*saga.Config) {
	o.Settled, o.Appended = map[saga.Settlement]int{}, map[event.Type]int{}
	o.Codes, o.DeadLetters = map[event.Code]int{}, map[event.Reason]int{}
	return func(c *saga.Config) { c.Observe = func(string) saga.Observer { return &watching{o: o} } }
}

// watching tells a tally.
type watching struct{ o *tally }

func (w *watching) note(f func(o *tally)) {
	w.o.mu.Lock()
	defer w.o.mu.Unlock()
	f(w.o)
}

func (w *watching) Taken(events, again int) {
	w.note(func(o *tally) { o.Taken += events; o.Again += again; o.InHand += events })
}

func (w *watching) Handled(events int, _ time.Duration) {
	w.note(func(o *tally) { o.Handled += events })
}

func (w *watching) Settled(how saga.Settlement) {
	w.note(func(o *tally) { o.Settled[how]++; o.InHand-- })
}

func (w *watching) Held(change int) {
	w.note(func(o *tally) { o.Held += change; o.MostHeld = max(o.MostHeld, o.Held) })
}

func (w *watching) Appended(a saga.Appended) {
	w.note(func(o *tally) {
		o.Appended[a.Type]++
		if a.First {
			o.First++
		}
		if a.Code != "" {
			o.Codes[a.Code]++
		}
		if !a.Requested.IsZero() {
			o.Requested++
		}
	})
}

func (w *watching) DeadLettered(reason event.Reason) {
	w.note(func(o *tally) { o.DeadLetters[reason]++ })
}

func (o *tally) expect(t *testing.T, want *tally) {
	t.Helper()
	if diff := cmp.Diff(want, o, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "mu" }, cmp.Ignore())); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestRun_TellsItsObserverWhatBecameOfEachEvent(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var got tally
	stop := sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		switch {
		case e.Body.ID == "wrong":
			return saga.Reject(event.CodeIncorrect, errors.New("wrong"))
		case e.Body.ID == "poison":
			return saga.Poison(errors.New("poison"))
		case e.Body.ID == "later" && e.Delivery == 1:
			return errors.New("not now")
		}
		return nil
	}), observing(&got))
	for _, id := range []string{"fine", "later"} {
		s.Expect(begin(s, id), event.TypeCodeChecked)
	}
	for _, id := range []string{"wrong", "poison"} {
		s.Expect(begin(s, id), event.TypeFailed)
	}
	stop()
	got.expect(t, &tally{
		Taken: 5, Again: 1, Handled: 5,
		Settled: map[saga.Settlement]int{
			saga.SettledNext: 2, saga.SettledFailed: 1, saga.SettledRetry: 1, saga.SettledDeadLetter: 1,
		},
		Appended:    map[event.Type]int{event.TypeCodeChecked: 2, event.TypeFailed: 2},
		Codes:       map[event.Code]int{event.CodeIncorrect: 1, event.CodeProcessingError: 1},
		DeadLetters: map[event.Reason]int{event.ReasonPoison: 1},
	})
}

func TestRun_TellsItsObserverOfWhatItHolds(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var got tally
	var away atomic.Bool
	away.Store(true)
	tried := make(chan struct{}, 100)
	stop := sagatest.Run(s, checking(func(context.Context, taken) error {
		if away.Load() {
			tried <- struct{}{}
			return saga.Unavailable(errors.New("away"))
		}
		return nil
	}), one(1), observing(&got))
	k := begin(s, "ada")
	for range 3 {
		receive(t, tried, "a try")
	}
	away.Store(false)
	s.Expect(k, event.TypeCodeChecked)
	stop()
	got.Handled = 0 // as often as it takes
	got.expect(t, &tally{
		Taken: 1, MostHeld: 1, Settled: map[saga.Settlement]int{saga.SettledNext: 1},
		Appended: map[event.Type]int{event.TypeCodeChecked: 1}, Codes: map[event.Code]int{}, DeadLetters: map[event.Reason]int{},
	})
}

func TestRun_TellsItsObserverOfWhatItGivesBack(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var got tally
	tried := make(chan struct{}, 100)
	stop := sagatest.Run(s, checking(func(context.Context, taken) error {
		tried <- struct{}{}
		return saga.Unavailable(errors.New("away"))
	}), one(1), observing(&got))
	begin(s, "ada")
	receive(t, tried, "a try")
	stop()
	got.Handled = 0
	got.expect(t, &tally{
		Taken: 1, MostHeld: 1, Settled: map[saga.Settlement]int{saga.SettledReleased: 1},
		Appended: map[event.Type]int{}, Codes: map[event.Code]int{}, DeadLetters: map[event.Reason]int{},
	})
}

func TestRun_TellsItsObserverOfTheBeginningAndTheEndOfASaga(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	var got tally
	stops := runPath(s, func() {}, observing(&got))
	k := s.Publish(request("ada"), "saga-1")
	s.Expect(k, event.TypeCompleted)
	stops()
	got.expect(t, &tally{
		Taken: 5, Handled: 5, First: 1, Requested: 5, Settled: map[saga.Settlement]int{saga.SettledNext: 5},
		Appended: map[event.Type]int{
			event.TypeTokenVerified: 1, event.TypeCodeChecked: 1, event.TypeEncrypted: 1, event.TypeCreated: 1, event.TypeCompleted: 1,
		},
		Codes: map[event.Code]int{event.CodeCreated: 1}, DeadLetters: map[event.Reason]int{},
	})
}

func TestRun_TellsItsObserverOfNoAppendThatAnotherHasMade(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	moved := func(last event.Body) (*tally, func()) {
		var got tally
		k := s.Key("ada")
		begun := make(chan struct{})
		goOn := make(chan struct{})
		stop := sagatest.Run(s, checking(func(context.Context, taken) error {
			close(begun)
			<-goOn
			return nil
		}), one(1), observing(&got))
		s.Append(verified("ada"), k, time.Time{})
		receive(t, begun, "the handler")
		s.Append(last, k, time.Time{})
		close(goOn)
		return &got, stop
	}
	none := func(how saga.Settlement) *tally {
		return &tally{
			Taken: 1, Handled: 1, Settled: map[saga.Settlement]int{how: 1},
			Appended: map[event.Type]int{}, Codes: map[event.Code]int{}, DeadLetters: map[event.Reason]int{},
		}
	}
	verbs := settlements(t, s)
	for how, last := range map[saga.Settlement]event.Body{
		saga.SettledNext:       checked("ada"),
		saga.SettledSuperseded: event.NewEnded("ada", event.StepWatchdog, event.CodeDeadlineExceeded),
	} {
		got, stop := moved(last)
		settled(t, verbs, "+ACK")
		stop()
		got.expect(t, none(how))
	}
}

func TestReadBacklog_TellsHowManyWaitForAStep(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	read := func() saga.Backlog {
		t.Helper()
		b, err := saga.ReadBacklog(t.Context(), s.JS(), event.StepCodeChecker)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if got := read(); got != (saga.Backlog{}) {
		t.Errorf("nothing waits, but it says %+v", got)
	}
	s.Append(event.CodeChecked{ID: "ada"}, begin(s, "ada"), time.Time{}) // the second is not for this step
	begin(s, "bob")
	verbs := settlements(t, s)
	held := take(t, s, event.StreamEvents, event.StepCodeChecker)
	if got, want := read(), (saga.Backlog{Pending: 1, Unacked: 1}); got != want {
		t.Errorf("one in hand, one pending: %+v, want %+v", got, want)
	}
	if err := held.Ack(); err != nil {
		t.Fatal(err)
	}
	settled(t, verbs, "+ACK")
	if got, want := read(), (saga.Backlog{Pending: 1}); got != want {
		t.Errorf("one pending: %+v, want %+v", got, want)
	}
	if _, err := saga.ReadBacklog(t.Context(), s.JS(), event.StepEncryptor); err == nil {
		t.Error("no error for a consumer that is not there")
	}
}

func TestOldestRequest_TellsSinceWhenRequestsWait(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	read := func() time.Time {
		t.Helper()
		at, err := saga.OldestRequest(t.Context(), s.JS())
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	if got := read(); !got.IsZero() {
		t.Errorf("no request waits, but one since %s", got)
	}
	s.Publish(request("ada"), "")
	first := read()
	s.Publish(request("bob"), "")
	if first.IsZero() || !read().Equal(first) {
		t.Errorf("the first request waits since %s, then since %s", first, read())
	}
	if err := take(t, s, event.StreamRequests, event.StepTokenVerifier).DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(); !got.After(first) {
		t.Errorf("the second request waits since %s, the first since %s", got, first)
	}
}
