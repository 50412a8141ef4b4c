package saga_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// followed is a follower that runs: what it does is said in words, in order.
type followed struct {
	said chan string
	stop context.CancelFunc
	done chan error
}

// followAll follows the events that match filter, and says what comes.
func followAll(t *testing.T, s *sagatest.Server, since time.Time, filters ...string) *followed {
	t.Helper()
	f := &followed{said: make(chan string, 1000), done: make(chan error, 1)}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(t.Context())
	go func() {
		f.done <- s.Store().Follow(ctx, saga.Follower{
			Filters: filters, Since: since, Logger: s.Config().Logger,
			Ready:    func(stored uint64) { f.said <- fmt.Sprintf("ready, %d stored", stored) },
			CaughtUp: func() { f.said <- "caught up" },
			Handle:   func(_ context.Context, e saga.Stored) { f.said <- string(e.Type) + " of " + e.Saga },
		})
	}()
	return f
}

func (f *followed) expect(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, receive(t, f.said, "what is followed"))
	}
	if !slices.Equal(got, want) {
		t.Errorf("followed %q, want %q", got, want)
	}
}

// end stops the follower, after which nothing more comes.
func (f *followed) end(t *testing.T) {
	t.Helper()
	f.stop()
	if err := receive(t, f.done, "the follower's end"); err != nil {
		t.Errorf("Follow: %v", err)
	}
	close(f.said)
	for more := range f.said {
		t.Errorf("followed %q too", more)
	}
}

func TestFollow_SaysWhenItHasCaughtUp(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	s.Append(verified("a"), event.Key{User: event.UserHash("a"), Saga: "a"}, time.Time{})
	s.Append(verified("b"), event.Key{User: event.UserHash("b"), Saga: "b"}, time.Time{})
	all := followAll(t, s, time.Unix(0, 0), event.SagaEvents("*"))
	all.expect(t, "ready, 2 stored", "token-verified of a", "token-verified of b", "caught up")
	fresh := followAll(t, s, time.Time{}, event.SagaEvents("*"))
	fresh.expect(t, "ready, 0 stored", "caught up")
	none := followAll(t, s, time.Unix(0, 0), event.SagaEvents(event.TypeFailed), event.SagaEvents(event.TypeCompleted))
	none.expect(t, "ready, 0 stored", "caught up")

	s.Append(event.NewEnded("a", event.StepWatchdog, event.CodeDeadlineExceeded), event.Key{User: event.UserHash("a"), Saga: "a"}, time.Time{})
	for _, f := range []*followed{all, fresh, none} {
		f.expect(t, "failed of a")
		f.end(t)
	}
}

// What a later version of the contract, or anybody, stores must not keep a
// follower from catching up.
func TestFollow_PassesOverWhatIsNoEvent(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	strange := func(subject string, header nats.Header) {
		msg := &nats.Msg{Subject: subject, Header: header, Data: []byte(secretPassword)}
		if _, err := s.JS().PublishMsg(t.Context(), msg); err != nil {
			t.Fatal(err)
		}
	}
	strange("user.create.token-verified.u.later", nats.Header{event.HeaderType: {"user.create.token-verified.v2"}})
	strange("user.create.token-verified.u.dead-line", nats.Header{event.HeaderDeadline: {"soon"}})
	k := begin(s, "a")
	strange("user.create.token-verified.u.a~b", nil)
	f := followAll(t, s, time.Unix(0, 0), event.SagaEvents("*"))
	f.expect(t, "ready, 4 stored", "token-verified of "+k.Saga, "caught up")
	f.end(t)
	if logs := s.Logs(); strings.Count(logs, "passed over") != 3 || !strings.Contains(logs, `"saga":"later"`) || strings.Contains(logs, secretPassword) {
		t.Errorf("logged:\n%s", logs)
	}
}

func TestFollow_LeavesNoConsumerBehind(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	f := followAll(t, s, time.Time{}, event.SagaEvents("*"))
	f.expect(t, "ready, 0 stored", "caught up")
	if got := consumers(t, s); len(got) != 2 {
		t.Errorf("consumers while following: %v", got)
	}
	f.end(t)
	if got := consumers(t, s); !slices.Equal(got, []string{event.StepCodeChecker}) {
		t.Errorf("consumers afterwards: %v", got)
	}
}

func consumers(t *testing.T, s *sagatest.Server) []string {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	list := stream.ConsumerNames(t.Context())
	for name := range list.Name() {
		names = append(names, name)
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return names
}

func TestFollow_WaitsForTheEventStore(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	config := streamConfig(t, s)
	if err := s.JS().DeleteStream(t.Context(), event.StreamEvents); err != nil {
		t.Fatal(err)
	}
	signal := make(chan struct{}, 100)
	cfg := s.Config()
	onLog("cannot follow the event store yet", signal)(&cfg)
	for name, since := range map[string]time.Time{"from now on": {}, "from the beginning": time.Unix(0, 0)} {
		t.Run(name+", and stops", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- s.Store().Follow(ctx, saga.Follower{Filters: []string{event.SagaEvents("*")}, Since: since, Logger: cfg.Logger})
			}()
			receive(t, signal, "the complaint")
			cancel()
			if err := receive(t, done, "the follower's end"); err != nil {
				t.Errorf("Follow: %v", err)
			}
		})
	}
	f := followAll(t, s, time.Time{}, event.SagaEvents("*"))
	if _, err := s.JS().CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	f.expect(t, "ready, 0 stored", "caught up")
	k := begin(s, "a")
	f.expect(t, "token-verified of "+k.Saga)
	f.end(t)
}

func streamConfig(t *testing.T, s *sagatest.Server) jetstream.StreamConfig {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().Config
}

func TestFollow_StopsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	f := followAll(t, s, time.Time{}, event.SagaEvents("*"))
	f.expect(t, "ready, 0 stored", "caught up")
	s.Stop()
	f.end(t)
	s.Start()
}

// Any number of followers see every event, in order, over restarts.
func TestFollow_SeesEveryEventInOrderOverRestarts(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	followers := []*followed{
		followAll(t, s, time.Time{}, event.SagaEvents("*")),
		followAll(t, s, time.Unix(0, 0), event.SagaEvents(event.TypeTokenVerified), event.SagaEvents(event.TypeFailed)),
	}
	for _, f := range followers {
		f.expect(t, "ready, 0 stored", "caught up")
	}
	var want []string
	for range 3 {
		for range 20 {
			want = append(want, "token-verified of "+begin(s, "a").Saga)
		}
		s.Restart()
	}
	for _, f := range followers {
		f.expect(t, want...)
		f.end(t)
	}
}
