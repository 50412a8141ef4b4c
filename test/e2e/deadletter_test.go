package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/e2e/harness"
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
	expectOutput(t, harness.MustCommand(t, s.Vars, "dlq", "list", "--step", "user-writer"), "0 dead letters")
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
