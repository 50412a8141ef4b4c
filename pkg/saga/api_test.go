package saga_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// slowAPI returns a JetStream context whose pull requests reach the server
// after a delay, as they do when it is slow, or frozen for a while; all other
// requests at once. It has a prefix of its own, as in an account of its own.
// What is delivered is signalled.
func slowAPI(t *testing.T, s *sagatest.Server, delay time.Duration) (js jetstream.JetStream, delivered <-chan struct{}) {
	t.Helper()
	conn, _ := s.Connect()
	signal := make(chan struct{}, 1000)
	deliver := func(m *nats.Msg) {
		if m.Reply != "" {
			signal <- struct{}{}
		}
	}
	_, err := conn.Subscribe("SLOW.API.>", func(m *nats.Msg) {
		// The errors are those of a connection that is closed: the end of the test.
		forward := func() {
			_ = conn.PublishRequest("$JS.API."+strings.TrimPrefix(m.Subject, "SLOW.API."), m.Reply, m.Data)
		}
		if !strings.Contains(m.Subject, ".MSG.NEXT.") {
			forward()
			return
		}
		_, _ = conn.Subscribe(m.Reply, deliver)
		time.AfterFunc(delay, forward)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	client, _ := s.Connect()
	js, err = jetstream.NewWithAPIPrefix(client, "SLOW.API")
	if err != nil {
		t.Fatal(err)
	}
	return js, signal
}

func TestRun_LateDeliveryIsNotLost(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	var keys []event.Key
	for range 4 {
		keys = append(keys, begin(s, "ada"))
	}
	js, delivered := slowAPI(t, s, 2*time.Second) // longer than a pull is waited for
	var first sync.Once
	stop := sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery > 1 {
			t.Errorf("saga %s: delivery %d", e.Saga, e.Delivery)
		}
		first.Do(func() { // one that comes while the loop is not even pulling
			receive(t, delivered, "the first delivery")
			receive(t, delivered, "the second delivery")
		})
		return nil
	}), one(1), func(c *saga.Config) { c.JetStream = js })
	for range keys[:2] {
		settled(t, verbs, "+ACK")
	}
	stop()
	for _, k := range keys[:2] {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	}
}

func TestStore_ReadsThroughAPrefix(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	k := begin(s, "ada")
	sequence := s.Append(checked("ada"), k, time.Time{})
	js, _ := slowAPI(t, s, 0)
	store := saga.NewStore(js)
	last, err := store.Last(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	if last.Key != k || last.Type != event.TypeCodeChecked || last.Sequence != sequence || last.Time.IsZero() {
		t.Errorf("last event: %+v", last)
	}
	if _, err := store.Last(t.Context(), s.Key("nobody")); err != saga.ErrNoEvent { //nolint:errorlint // exactly this
		t.Errorf("the last event of no history: %v", err)
	}
}
