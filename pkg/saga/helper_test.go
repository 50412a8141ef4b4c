package saga_test

import (
	"context"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// These tests wait more than they work: a step takes up to a second to stop.
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// What must never be seen in a log, an error or a dead letter.
const (
	secretCode     = "739154"
	secretPassword = "correct-horse-battery"
	secretPhone    = "+15550123987"
)

func verified(id string) event.TokenVerified {
	return event.TokenVerified{ID: id, Code: secretCode, Username: "Ada", Sealed: event.Sealed{KeyID: "k1", Saga: "s"}}
}

func checked(id string) event.CodeChecked { return event.CodeChecked{ID: id, Username: "Ada"} }

func request(id string) event.Requested {
	return event.Requested{ID: id, Token: "token", Code: secretCode, Phone: secretPhone, Password: secretPassword, Username: "Ada"}
}

type (
	taken   = saga.Event[event.TokenVerified]
	created = saga.Event[event.Created]
	checker = saga.Step[event.TokenVerified, event.CodeChecked]
	deleter = saga.Step[event.Created, event.Ended]
)

// checking is a step before the pivot whose handler does work, then appends.
func checking(work func(context.Context, taken) error) checker {
	return checker{
		Name: event.StepCodeChecker,
		Handle: saga.Each(8, func(ctx context.Context, e taken) (event.CodeChecked, error) {
			return checked(e.Body.ID), work(ctx, e)
		}),
	}
}

// verifying is the step that takes requests.
func verifying(work func(saga.Event[event.Requested]) error) saga.Step[event.Requested, event.TokenVerified] {
	return saga.Step[event.Requested, event.TokenVerified]{
		Name:   event.StepTokenVerifier,
		Decode: event.DecodeRequested,
		Handle: saga.Each(8, func(_ context.Context, e saga.Event[event.Requested]) (event.TokenVerified, error) {
			return verified(e.Body.ID), work(e)
		}),
	}
}

// deleting is a step past the pivot.
func deleting(work func(created) error) deleter {
	return deleter{
		Name: event.StepCodeDeleter,
		Handle: saga.Each(8, func(_ context.Context, e created) (event.Ended, error) {
			return event.NewEnded(e.Body.ID, event.StepCodeDeleter, event.CodeCreated), work(e)
		}),
	}
}

func nothing[E any](E) error { return nil }

// one has a single loop that handles at most n events together.
func one(n int) func(*saga.Config) {
	return func(c *saga.Config) { c.Loops, c.Batch = 1, n }
}

func limit(n int) func(*saga.Config) {
	return func(c *saga.Config) { c.DeliveryLimit = n }
}

// onLog signals lines whose message begins with text.
func onLog(text string, signal chan<- struct{}) func(*saga.Config) {
	return func(c *saga.Config) {
		c.Logger = c.Logger.Hook(zerolog.HookFunc(func(_ *zerolog.Event, _ zerolog.Level, message string) {
			if strings.HasPrefix(message, text) {
				signal <- struct{}{}
			}
		}))
	}
}

// begin appends the first event of a new saga.
func begin(s *sagatest.Server, id string) event.Key {
	k := s.Key(id)
	s.Append(verified(id), k, time.Time{})
	return k
}

// expectAll waits until every saga has the last of the given types, and checks
// that each has exactly these.
func expectAll(t *testing.T, s *sagatest.Server, keys []event.Key, types ...event.Type) {
	t.Helper()
	want := make(map[event.Key][]event.Type, len(keys))
	for _, k := range keys {
		want[k] = types
	}
	if diff := cmp.Diff(want, s.Histories(types[len(types)-1], len(keys))); diff != "" {
		t.Fatalf("histories (-want +got):\n%s", diff)
	}
}

// receive waits for a signal.
func receive[T any](t *testing.T, signal <-chan T, what string) T {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	select {
	case v := <-signal:
		return v
	case <-limit.C:
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// settlements returns what runners tell the server of their messages: "+ACK",
// "-NAK", "+TERM", "+WPI", in order.
func settlements(t *testing.T, s *sagatest.Server) <-chan string {
	t.Helper()
	conn, _ := s.Connect()
	verbs := make(chan string, 10_000)
	_, err := conn.Subscribe("$JS.ACK.>", func(m *nats.Msg) {
		verb, _, _ := strings.Cut(string(m.Data), " ")
		verbs <- verb
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return verbs
}

// settled waits for a settlement with the given verb and returns those before it.
func settled(t *testing.T, verbs <-chan string, verb string) (before []string) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second) // for all: a held event is heard of all the time
	defer limit.Stop()
	for {
		select {
		case got := <-verbs:
			if got == verb {
				return before
			}
			before = append(before, got)
		case <-limit.C:
			t.Fatalf("waited in vain for %s, heard %q", verb, before)
		}
	}
}

// take takes the next delivery of a step, as a process would that then dies.
func take(t *testing.T, s *sagatest.Server, stream, step string) jetstream.Msg {
	t.Helper()
	consumer, err := s.JS().Consumer(t.Context(), stream, step)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.Fetch(1, jetstream.FetchMaxWait(30*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	msg, ok := <-batch.Messages()
	if !ok {
		t.Fatalf("nothing to take: %v", batch.Error())
	}
	return msg
}

// pending returns how many events a step has in hand, and how many wait for it.
func pending(t *testing.T, s *sagatest.Server, step string) (inHand int, waiting uint64) {
	t.Helper()
	consumer, err := s.JS().Consumer(t.Context(), event.StreamEvents, step)
	if err != nil {
		t.Fatal(err)
	}
	info := consumer.CachedInfo()
	return info.NumAckPending, info.NumPending
}

// limitEvents bounds how many events the event store takes; -1 for any number.
func limitEvents(t *testing.T, s *sagatest.Server, n int64) {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs = n
	if _, err := s.JS().UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}
