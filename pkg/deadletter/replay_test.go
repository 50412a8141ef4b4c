package deadletter_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// checking is a code-checker that panics while it is broken.
func checking(broken *atomic.Bool) saga.Step[event.TokenVerified, event.CodeChecked] {
	return saga.Step[event.TokenVerified, event.CodeChecked]{
		Name: event.StepCodeChecker,
		Handle: saga.Each(8, func(_ context.Context, e saga.Event[event.TokenVerified]) (event.CodeChecked, error) {
			if broken.Load() {
				panic("broken")
			}
			return event.CodeChecked{ID: e.Body.ID, Username: e.Body.Username}, nil
		}),
	}
}

// sealedTo has a step seal its dead letters to the operators.
func sealedTo(o operators) func(*saga.Config) {
	return func(c *saga.Config) { c.DeadLetters = o.sealer }
}

func TestReplay_BeginsANewAttemptFromTheStepThatFailed(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepCodeChecker), newOperators(t)
	box := deadletter.Open(s.JS())
	var broken atomic.Bool
	broken.Store(true)
	sagatest.Run(s, checking(&broken), sealedTo(o))
	first := event.Key{User: event.UserHash("ada"), Saga: "first"}
	verified := event.TokenVerified{ID: "ada", Code: "123456", Username: "Ada"}
	s.Append(verified, first, time.Time{})
	s.DeadLetters(1)
	s.Expect(first, event.TypeFailed)

	// It fails again: the new letter is of the attempt, and names the one before.
	again := replay(t, box, o, 1)
	if again != (event.Key{User: first.User, Saga: "first-r1"}) {
		t.Fatalf("the attempt is %v", again)
	}
	if letter := s.DeadLetters(2)[1]; letter.Saga != "first-r1" || letter.ReplayOf != "first" {
		t.Errorf("the second letter is of saga %s, a replay of %q", letter.Saga, letter.ReplayOf)
	}
	s.Expect(again, event.TypeFailed)

	broken.Store(false)
	deadline := time.Now().Add(time.Hour).UTC()
	sagaID, err := box.Replay(t.Context(), get(t, box, 2), o.Opener, deadline)
	if err != nil || sagaID != "first-r2" {
		t.Fatalf("replayed as %q: %v", sagaID, err)
	}
	third := event.Key{User: first.User, Saga: sagaID}
	s.Expect(third, event.TypeCodeChecked)
	history := s.ExpectExactly(third, event.TypeTokenVerified, event.TypeCodeChecked)
	got := history[0].Meta
	want := event.Meta{
		ID: "first-r2.token-verified", Source: "/create-user/replay", Type: event.TypeTokenVerified,
		Time: got.Time, Saga: "first-r2", Deadline: deadline, Requested: got.Time, Causation: "first-r1.token-verified",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(s.History(first)[0].Data), string(history[0].Data)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	s.ExpectExactly(first, event.TypeTokenVerified, event.TypeFailed) // as it was
	if got := replay(t, box, o, 1).Saga; got != "first-r3" {
		t.Errorf("the first letter once more is saga %s", got)
	}
}

// replay replays a letter and returns the key of the attempt.
func replay(t testing.TB, box *deadletter.Box, o operators, number uint64) event.Key {
	t.Helper()
	l := get(t, box, number)
	k, err := box.Attempt(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	sagaID, err := box.Replay(t.Context(), l, o.Opener, time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if sagaID != k.Saga {
		t.Errorf("replayed as saga %s, said to be %s", sagaID, k.Saga)
	}
	return k
}

// request is a request that was dead-lettered, with headers from outside.
func request(t testing.TB) event.Original {
	t.Helper()
	original := body(t,
		event.Requested{ID: "ada", Token: "t", Code: "123456", Phone: "1", Password: "sesame", Username: "Ada"},
		event.Meta{ID: "outside", Source: "/signup", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
	original.Header[event.HeaderMsgID] = []string{"first"}
	return original
}

func ofTheInbox(l *event.DeadLetter) {
	l.Step, l.Subject, l.Stream = event.StepTokenVerifier, event.SubjectRequested, event.StreamRequests
}

func TestReplay_OfARequestPublishesItAnew(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepTokenVerifier), newOperators(t)
	box, first := deadletter.Open(s.JS()), event.Key{User: event.UserHash("ada"), Saga: "first"}
	o.bury(t, s, first, request(t), ofTheInbox)
	if k := replay(t, box, o, 1); k.Saga != "first-r1" {
		t.Fatalf("the attempt is %v", k)
	}
	replay(t, box, o, 1) // at once: the same attempt
	inbox, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	if n := inbox.CachedInfo().State.Msgs; n != 1 {
		t.Fatalf("%d requests are stored", n)
	}
	msg, err := inbox.GetMsg(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := event.ParseMeta(msg.Header)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Meta{
		ID: "first-r1.requested", Source: "/create-user/replay", Type: event.TypeRequested, Time: meta.Time, Saga: "first-r1",
		Deadline: meta.Deadline, Causation: "outside", TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	if diff := cmp.Diff(want, meta); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(string(request(t).Data), string(msg.Data)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestReplay_OfARequestWithBrokenHeadersDropsThem(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepTokenVerifier), newOperators(t)
	original := request(t)
	original.Header[event.HeaderDeadline] = []string{"soon"}
	o.bury(t, s, event.Key{User: event.UserHash("ada"), Saga: "first"}, original, ofTheInbox)
	replay(t, deadletter.Open(s.JS()), o, 1)
}

func TestReplay_RefusesWhatCannotSucceed(t *testing.T) {
	t.Parallel()
	s, o, strangers := sagatest.New(t, event.StepTokenVerifier), newOperators(t), newOperators(t)
	box, k := deadletter.Open(s.JS()), event.Key{User: event.UserHash("ada"), Saga: "first"}
	nothing := func(*event.DeadLetter) {}
	for i, c := range []struct {
		name     string
		original event.Original
		change   func(*event.DeadLetter)
		opener   *event.Opener
		want     error
	}{
		{"poison", request(t), func(l *event.DeadLetter) { l.Reason = event.ReasonPoison }, o.Opener, deadletter.ErrPoison},
		{"a message of nobody", request(t), func(l *event.DeadLetter) { l.User = event.UnknownUser }, o.Opener, deadletter.ErrPoison},
		{"a message that was too large to keep", event.Original{}, nothing, o.Opener, deadletter.ErrPoison},
		{"the end of a saga", request(t), func(l *event.DeadLetter) { l.Subject = k.Subject(event.TypeFailed) }, o.Opener, deadletter.ErrEnded},
		{"a subject that is none", request(t), func(l *event.DeadLetter) { l.Subject = "sesame" }, o.Opener, event.ErrSubject},
		{"a letter without its key", request(t), nothing, event.NewOpener(), event.ErrUnknownKey},
		{"a letter with a wrong key", request(t), nothing, strangers.Opener, event.ErrNotSealed},
	} {
		o.bury(t, s, k, c.original, c.change)
		t.Run(c.name+" is refused", func(t *testing.T) {
			l := get(t, box, uint64(i+1))
			if saga, err := box.Replay(t.Context(), l, c.opener, time.Now().Add(time.Minute)); !errors.Is(err, c.want) {
				t.Errorf("replayed as %q: %v", saga, err)
			}
		})
	}
	if got := s.Contents(event.StreamEvents); got != "" {
		t.Errorf("the event store holds %s", got)
	}
}

// Operators at once begin as many attempts as they are told of.
func TestReplay_SeveralAtOnceNeverShareAnAttempt(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepCodeChecker), newOperators(t)
	box, k := deadletter.Open(s.JS()), event.Key{User: event.UserHash("ada"), Saga: "first"}
	o.bury(t, s, k, body(t, event.CodeChecked{ID: "ada"}, event.Meta{ID: "first.code-checked"}), nil)
	l := get(t, box, 1)
	var (
		running sync.WaitGroup
		mu      sync.Mutex
		begun   = map[string]int{} // guarded by mu
	)
	for range 8 {
		running.Go(func() {
			sagaID, err := box.Replay(t.Context(), l, o.Opener, time.Now().Add(time.Minute))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				begun[sagaID]++
			case !errors.Is(err, saga.ErrMoved):
				t.Errorf("Replay: %v", err)
			}
		})
	}
	running.Wait()
	stored := map[string]int{}
	for _, m := range s.Messages(event.StreamEvents, ">") {
		_, k, err := event.ParseSubject(m.Subject())
		if err != nil {
			t.Fatal(err)
		}
		stored[k.Saga]++
	}
	if diff := cmp.Diff(begun, stored); diff != "" || len(begun) == 0 {
		t.Errorf("attempts (-told +stored):\n%s", diff)
	}
	for sagaID, n := range begun {
		if n != 1 {
			t.Errorf("%d were told of %s", n, sagaID)
		}
	}
}

func TestReplay_OfASagaThatStillGoesOnIsRefused(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t) // no step runs
	box, k := deadletter.Open(s.JS()), event.Key{User: event.UserHash("ada"), Saga: "first"}
	s.Append(event.CodeChecked{ID: "ada"}, k, time.Time{})
	o.bury(t, s, k, body(t, event.CodeChecked{ID: "ada"}, event.Meta{}), nil)
	letter := get(t, box, 1)
	for _, c := range []struct {
		then event.Body
		want error
	}{
		{nil, deadletter.ErrUnderWay},
		{event.Created{ID: "ada"}, nil}, // the letter of a later step may be what ends it
		{event.NewEnded("ada", event.StepCodeDeleter, event.CodeCreated), deadletter.ErrCompleted},
	} {
		if c.then != nil {
			s.Append(c.then, k, time.Time{})
		}
		if _, err := box.Attempt(t.Context(), letter); !errors.Is(err, c.want) {
			t.Errorf("Attempt after %v: %v, want %v", c.then, err, c.want)
		}
	}
	if _, err := box.Replay(t.Context(), letter, o.Opener, time.Now().Add(time.Hour)); !errors.Is(err, deadletter.ErrCompleted) {
		t.Errorf("Replay: %v", err)
	}
	s.ExpectExactly(k, event.TypeCodeChecked, event.TypeCreated, event.TypeCompleted)
}
