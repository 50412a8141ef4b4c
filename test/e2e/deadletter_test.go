package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
	"github.com/create-user/create-user/test/parts"
)

// moody is an encryption service that can be told to answer nonsense.
type moody struct {
	*httptest.Server
	nonsense atomic.Bool
}

func newMoody(t testing.TB) *moody {
	t.Helper()
	target, err := url.Parse(harness.EncryptionService(t))
	if err != nil {
		t.Fatal(err)
	}
	good := httputil.NewSingleHostReverseProxy(target)
	m := &moody{}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.nonsense.Load() {
			_, _ = w.Write([]byte("nonsense"))
			return
		}
		good.ServeHTTP(w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

func TestDeadLetters_AreShownReplayedAndDiscarded(t *testing.T) {
	t.Parallel()
	encryption := newMoody(t)
	s := harness.Start(t, map[string]string{"ENCRYPT_URL": encryption.URL, "SAGA_DELIVERY_LIMIT": "2"})
	clients := harness.Listen(t, s.Room)
	const id = "buried"
	clients.Join(id, s.Token(id))
	r := s.ValidRequest(id).With("Image", strings.Repeat("i", 2*event.InlineImage))

	encryption.nonsense.Store(true)
	s.Publish(r, "first")
	if got := clients.Hear(id, 1); got.Code != string(event.CodeProcessingError) || got.Message != "Error processing job" {
		t.Errorf("heard %+v", got)
	}
	s.DeadLetters(1)
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "list", "--step", "encryptor", "--user", id), "delivery_limit", "saga first", "1 dead letters")
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "list", "--error", "unusable answer", "--newer", "1h"), "1 dead letters")
	for _, other := range [][]string{{"--step", "user-writer"}, {"--older", "1h"}, {"--error", "another"}} {
		expectOutput(t, harness.MustCommand(t, s.Vars, append([]string{"dlq", "list"}, other...)...), "0 dead letters")
	}
	details := harness.MustCommand(t, s.Vars, "dlq", "show", "1")
	expectOutput(t, details, `"id":"buried"`, `"sealed":"(hidden)"`, "unusable answer")
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "replay", "1", "--dry-run"), "would replay 1 from encryptor as saga first-r1")

	// The replay fails again: a new dead letter names the first.
	harness.MustCommand(t, s.Vars, "dlq", "replay", "1")
	clients.Hear(id, 2)
	letters := s.DeadLetters(2)
	if got := letters[1]; got.Saga != "first-r1" || got.ReplayOf != "first" {
		t.Errorf("the second dead letter is of saga %s, a replay of %q", got.Saga, got.ReplayOf)
	}
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "replay", "1"), "passed over 1: replayed before")

	encryption.nonsense.Store(false)
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "replay", "--saga", "first-r1"), "replayed 2 from encryptor as saga first-r2")
	if got := clients.Hear(id, 3); !got.Status || got.Saga != "first-r2" {
		t.Errorf("heard %+v", got)
	}
	if stored, found := s.Row(id); !found || stored.Image != r["Image"] {
		t.Errorf("row stands: %t, with its image: %t", found, stored.Image == r["Image"])
	}
	if s.Code(id) != "" {
		t.Error("the code is still there")
	}
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "discard", "--all"), "discarded 1", "discarded 2")
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "list"), "0 dead letters")
	if _, err := harness.Command(t, s.Vars, "", "dlq", "show", "1"); err == nil || !strings.Contains(err.Error(), "no such dead letter") {
		t.Errorf("error = %v", err)
	}
}

func expectOutput(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("printed:\n%s\nwant %q", out, want)
		}
	}
}

func TestDeadLetters_OfPoisonCannotBeReplayed(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	s.PublishRaw([]byte("poison"), "")
	s.DeadLetters(1)
	if _, err := harness.Command(t, s.Vars, "", "dlq", "replay", "1"); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("error = %v", err)
	}
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "show", "1"), "not shown")
}

// deadly returns the address of an encryption service that answers nobody, and
// what tells that it was called.
func deadly(t testing.TB) (address string, called <-chan struct{}) {
	t.Helper()
	calls := make(chan struct{}, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // so that the caller's end is noticed
		calls <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	return server.URL, calls
}

func TestDeadLetters_HoldWhatKillsItsService(t *testing.T) {
	t.Parallel()
	address, called := deadly(t)
	s := harness.StartOn(t, parts.NATS(t), map[string]string{"SAGA_DELIVERY_LIMIT": "1"}, map[string]service.Vars{"encryptor": {"ENCRYPT_URL": address}})
	killer := s.Publish(s.ValidRequest("killer"), "killer")
	<-called
	s.Procs["encryptor"].Kill()

	delete(s.Own, "encryptor") // from now on with the service that encrypts
	s.Start("encryptor")
	if ended := s.Outcome(s.Publish(s.ValidRequest("bystander"), "bystander")); ended.Code != event.CodeCreated {
		t.Errorf("the one after it ended with %s", ended.Code)
	}
	if ended := s.Outcome(killer); ended.Code != event.CodeProcessingError {
		t.Errorf("ended with %s", ended.Code)
	}
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "show", "1"), "delivered too often", "encryptor")
	harness.MustCommand(t, s.Vars, "dlq", "replay", "1")
	again := killer
	again.Saga += "-r1"
	if ended := s.Outcome(again); ended.Code != event.CodeCreated {
		t.Errorf("replayed, it ended with %s", ended.Code)
	}
}
