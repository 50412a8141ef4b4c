package watch

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service/servicetest"
)

const isWatching = "watching the open sagas"

// start starts a watchdog and waits until it watches.
func start(t testing.TB, s *sagatest.Server) *servicetest.Process {
	t.Helper()
	p := servicetest.Start(t, s, Service(), nil)
	p.Await(isWatching)
	if err := p.Health()["event store"]; err != nil {
		t.Errorf("it is not ready: %v", err)
	}
	return p
}

// begin appends the first event of a new saga with a deadline.
func begin(s *sagatest.Server, id string, deadline time.Time) event.Key {
	k := s.Key(id)
	s.Append(event.TokenVerified{ID: id, Code: "739154", Username: "Ada"}, k, deadline)
	return k
}

func past() time.Time   { return time.Now().Add(-time.Second) }
func future() time.Time { return time.Now().Add(time.Hour) }

func TestWatchdog_EndsLateSagasAndNoOthers(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	before := begin(s, "before", past()) // it is late already when the watchdog starts
	p := start(t, s)
	inTime, late := begin(s, "inTime", future()), begin(s, "late", past())
	s.Append(event.CodeChecked{ID: "late"}, late, past())
	soon := begin(s, "soon", time.Now().Add(300*time.Millisecond))
	for id, k := range map[string]event.Key{"before": before, "late": late, "soon": soon} {
		want := event.NewEnded(id, event.StepWatchdog, event.CodeDeadlineExceeded)
		if diff := cmp.Diff(want, s.Ended(s.Expect(k, event.TypeFailed))); diff != "" {
			t.Errorf("end (-want +got):\n%s", diff)
		}
	}
	p.Stop()
	if at := s.History(soon)[1]; at.Time.Before(at.Meta.Deadline) {
		t.Errorf("ended at %s, before its deadline %s", at.Time, at.Meta.Deadline)
	}
	s.ExpectExactly(before, event.TypeTokenVerified, event.TypeFailed)
	s.ExpectExactly(inTime, event.TypeTokenVerified)
	if strings.Contains(p.Logs(), "739154") {
		t.Error("a code stands in the log")
	}
}

func TestWatchdog_ReportsASagaPastItsPivotOnce(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeDeleter)
	p := start(t, s)
	k := s.Key("ada")
	s.Append(event.Encrypted{ID: "ada"}, k, future()) // so that it is not late before its pivot
	s.Append(event.Created{ID: "ada"}, k, past())
	p.Await("is the code-checker running?")
	for range 2 { // each ends in a later round
		s.Expect(begin(s, "bob", past()), event.TypeFailed)
	}
	p.Stop()
	s.ExpectExactly(k, event.TypeEncrypted, event.TypeCreated)
	if n := strings.Count(p.Logs(), "is the code-checker running?"); n != 1 {
		t.Errorf("reported %d times", n)
	}
}

func TestWatchdog_RebuildsItsSagasFromTheStore(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	p := start(t, s)
	deadline := time.Now().Add(500 * time.Millisecond)
	open, ended := begin(s, "open", deadline), begin(s, "ended", deadline)
	p.Stop()
	missed := begin(s, "missed", deadline) // while no watchdog runs
	s.Append(event.NewEnded("ended", event.StepCodeChecker, event.CodeIncorrect), ended, deadline)
	p = start(t, s)
	if !strings.Contains(p.Logs(), `"open":2,`) {
		t.Errorf("logged:\n%s", p.Logs())
	}
	for _, k := range []event.Key{open, missed} {
		s.Expect(k, event.TypeFailed)
	}
	p.Stop()
	for _, k := range []event.Key{open, missed, ended} {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	}
	if s.Ended(s.History(ended)[1]).Code != event.CodeIncorrect {
		t.Error("the end of a saga has changed")
	}
}

// While the past is read, a saga that ended in it looks open: no append may be
// tried for it.
func TestWatchdog_CatchesUpBeforeItPatrols(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	publish := func(subject string, header nats.Header, data string) {
		msg := &nats.Msg{Subject: subject, Header: header, Data: []byte(data)}
		if _, err := s.JS().PublishMsgAsync(msg, jetstream.WithStallWait(30*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	header := nats.Header(event.Meta{ID: "x", Deadline: past()}.Header())
	const sagas = 2000
	for _, kind := range []event.Type{event.TypeTokenVerified, event.TypeFailed} {
		for i := range sagas {
			publish(event.Key{User: "u", Saga: fmt.Sprint("s", i)}.Subject(kind), header, "{}")
		}
	}
	// What is no event of this contract is in the way of nothing.
	publish("user.create.token-verified.u.strange", nats.Header{event.HeaderType: {"user.create.token-verified.v9"}}, "{}")
	<-s.JS().PublishAsyncComplete()

	p := start(t, s)
	s.Expect(begin(s, "late", past()), event.TypeFailed)
	p.Stop()
	logs := p.Logs()
	if !strings.Contains(logs, `"open":0,`) {
		t.Error("sagas that have ended look open")
	}
	if n := strings.Count(logs, "moved on"); n > 1 { // the late one's own end may be on its way
		t.Errorf("%d sagas that had ended were to be ended again", n)
	}
	info, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.CachedInfo().State.Msgs; got != 2*sagas+1+2 {
		t.Errorf("%d events are stored", got)
	}
}

func TestWatchdog_IsNotReadyBeforeItHasCaughtUp(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.JS().DeleteStream(t.Context(), event.StreamEvents); err != nil {
		t.Fatal(err)
	}
	p := servicetest.Start(t, s, Service(), nil)
	p.Await("cannot follow the event store yet")
	if err := p.Health()["event store"]; err == nil {
		t.Error("it is ready without an event store")
	}
	if _, err := s.JS().CreateStream(t.Context(), stream.CachedInfo().Config); err != nil {
		t.Fatal(err)
	}
	p.Await(isWatching)
}

// Any number of watchdogs and a step, all at once: each saga has one end, and
// nothing behind it.
func TestWatchdog_TwoAtOnceAndAStepEndEachSagaOnce(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	step := saga.Step[event.TokenVerified, event.CodeChecked]{
		Name: event.StepCodeChecker,
		Handle: saga.Each(8, func(_ context.Context, e saga.Event[event.TokenVerified]) (event.CodeChecked, error) {
			return event.CodeChecked{ID: e.Body.ID}, nil
		}),
	}
	first, second := start(t, s), start(t, s)
	sagatest.Run(s, step)
	const sagas = 100
	deadline := time.Now().Add(200 * time.Millisecond)
	for i := range sagas {
		begin(s, fmt.Sprint("user-", i), deadline)
	}
	histories := s.Histories(event.TypeFailed, sagas)
	first.Stop()
	second.Stop()
	for k := range histories {
		history := s.History(k)
		last := len(history) - 1
		for i, e := range history {
			if (e.Type == event.TypeFailed) != (i == last) {
				t.Errorf("saga %s: event %d of %d is %s", k.Saga, i+1, len(history), e.Type)
			}
		}
	}
	if len(histories) != sagas {
		t.Errorf("%d sagas", len(histories))
	}
	t.Logf("%d appends were lost to the other", strings.Count(first.Logs()+second.Logs(), "moved on"))
}

func TestWatchdog_OutlivesRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	p := start(t, s)
	deadline := time.Now().Add(time.Second)
	before := begin(s, "before", deadline)
	s.Restart()
	after := begin(s, "after", deadline)
	ended := begin(s, "ended", deadline)
	s.Append(event.NewEnded("ended", event.StepCodeChecker, event.CodeIncorrect), ended, deadline)
	s.Restart()
	for _, k := range []event.Key{before, after} {
		s.Expect(k, event.TypeFailed)
	}
	p.Stop()
	for _, k := range []event.Key{before, after, ended} {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	}
}

func TestWatchdog_StopsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	p := start(t, s)
	begin(s, "late", time.Now().Add(300*time.Millisecond))
	s.Stop()
	p.Await("disconnected from NATS")
	p.Stop() // fails the test when it takes long
	s.Start()
}

func TestService_HasNoSettingsOfItsOwn(t *testing.T) {
	t.Parallel()
	var help strings.Builder
	if err := Service().Help(&help); err != nil || help.String() != "" || Service().Name != event.StepWatchdog {
		t.Errorf("help %q: %v", help.String(), err)
	}
}
