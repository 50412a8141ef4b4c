package parts

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestNATS_KeepsItsStreamsOverAStop(t *testing.T) {
	n := NATS(t)
	publish(t, n.URL)
	n.Stop(t)
	if _, err := nats.Connect(n.URL, nats.Timeout(time.Second)); err == nil {
		t.Error("it accepts connections although stopped")
	}
	n.Start(t)

	js := connect(t, n.URL)
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if got := stream.CachedInfo().State.Msgs; got != 1 {
		t.Errorf("%d messages, want 1", got)
	}
}

func TestNATS_EveryTestHasItsOwn(t *testing.T) {
	a, b := NATS(t), NATS(t)
	publish(t, a.URL)
	if _, err := connect(t, b.URL).Stream(t.Context(), "S"); err == nil {
		t.Error("two servers share a stream")
	}
}

func TestNATS_StartOfARunningOneFails(t *testing.T) {
	n := NATS(t)
	if message := fatal(t, func(t testing.TB) { n.Start(t) }); message == "" {
		t.Error("no message")
	}
}

// publish stores one message in the stream S.
func publish(t *testing.T, url string) {
	t.Helper()
	js := connect(t, url)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", nil); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
