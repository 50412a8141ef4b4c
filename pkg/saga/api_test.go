package saga_test

import (
	"context"
	"strings"
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
func slowAPI(t *testing.T, s *sagatest.Server, delay time.Duration) jetstream.JetStream {
	t.Helper()
	conn, _ := s.Connect()
	_, err := conn.Subscribe("SLOW.API.>", func(m *nats.Msg) {
		forward := func() {
			// A closed connection is the end of the test.
			_ = conn.PublishRequest("$JS.API."+strings.TrimPrefix(m.Subject, "SLOW.API."), m.Reply, m.Data)
		}
		if strings.Contains(m.Subject, ".MSG.NEXT.") {
			time.AfterFunc(delay, forward)
		} else {
			forward()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	client, _ := s.Connect()
	js, err := jetstream.NewWithAPIPrefix(client, "SLOW.API")
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestRun_LateDeliveryIsNotLost(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var keys []event.Key
	for range 5 {
		keys = append(keys, begin(s, "ada"))
	}
	js := slowAPI(t, s, 2*time.Second) // longer than a pull is waited for
	sagatest.Run(s, checking(func(_ context.Context, e taken) error {
		if e.Delivery > 1 {
			t.Errorf("saga %s: delivery %d", e.Saga, e.Delivery)
		}
		return nil
	}), one(64), func(c *saga.Config) { c.JetStream = js })
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
}

func TestStore_ReadsThroughAPrefix(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	k := begin(s, "ada")
	sequence := s.Append(checked("ada"), k, time.Time{})
	store := saga.NewStore(slowAPI(t, s, 0))
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
