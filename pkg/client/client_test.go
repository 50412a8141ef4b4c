package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestMain(m *testing.M) {
	// A put into an object store that ends before this goroutine of it runs leaves it behind (nats.go v1.55.0).
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

const (
	phone    = "+4915112345678"
	password = "correct-horse-battery"
)

// registration is one that may be sent.
func registration(key string) client.Registration {
	return client.Registration{
		ID: "ada", Token: "a.b.c", Code: "739154", Phone: phone, Password: password, Username: "Ada", Image: "data:image/gif,", Key: key,
	}
}

// start returns a server without steps, a client of it, and what opens what it seals.
func start(t testing.TB) (*sagatest.Server, *client.Client, *event.Opener) {
	t.Helper()
	s := sagatest.New(t, event.StepTokenVerifier)
	key, err := event.GenerateKey("k1")
	if err != nil {
		t.Fatal(err)
	}
	return s, client.New(s.JS(), key.Public(), "/signup"), event.NewOpener(key)
}

func request(t testing.TB, c *client.Client, r client.Registration) string {
	t.Helper()
	sagaID, err := c.Request(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return sagaID
}

// inbox returns the requests that are stored.
func inbox(t testing.TB, s *sagatest.Server) []*jetstream.RawStreamMsg {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	for n := range stream.CachedInfo().State.LastSeq {
		msg, err := stream.GetMsg(t.Context(), n+1)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, msg)
	}
	return all
}

func decode(t testing.TB, msg *jetstream.RawStreamMsg) event.Requested {
	t.Helper()
	r, err := event.DecodeRequested(msg.Data)
	if err != nil {
		t.Fatalf("the receiver refuses it: %v", err)
	}
	return r
}

func TestRequest_StoresWhatItsReceiverAccepts(t *testing.T) {
	t.Parallel()
	s, c, opener := start(t)
	r := registration("signup-1")
	r.Deadline = time.Now().Add(time.Minute).UTC()
	before := time.Now()
	if got := request(t, c, r); got != "signup-1" {
		t.Errorf("the saga is %q", got)
	}
	msg := inbox(t, s)[0]
	if got := msg.Header.Get(event.HeaderMsgID); got != "signup-1" {
		t.Errorf("the message id is %q", got)
	}
	meta, err := event.ParseMeta(msg.Header)
	if err != nil {
		t.Fatal(err)
	}
	if meta.Time.Before(before.Add(-time.Second)) || meta.Time.After(time.Now().Add(time.Second)) {
		t.Errorf("the time is %s", meta.Time)
	}
	wantMeta := event.Meta{
		ID: "signup-1.requested", Source: "/signup", Type: event.TypeRequested, Time: meta.Time, Saga: "signup-1", Deadline: r.Deadline,
	}
	if diff := cmp.Diff(wantMeta, meta); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	got := decode(t, msg)
	credentials, err := opener.Open(*got.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(event.Credentials{Phone: phone, Password: password}, credentials); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}
	if got.Sealed.Saga != "signup-1" {
		t.Errorf("sealed for saga %q", got.Sealed.Saga)
	}
	got.Sealed = nil
	want := event.Requested{ID: "ada", Token: "a.b.c", Code: "739154", Username: "Ada", Image: event.Image{Inline: "data:image/gif,"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestRequest_LeavesNoCredentialsInClear(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for i := range 3 {
		request(t, c, registration(fmt.Sprint("signup-", i)))
	}
	for _, msg := range inbox(t, s) {
		all := fmt.Sprint(msg.Subject, msg.Header, string(msg.Data))
		for _, secret := range []string{phone, password, phone[1:], `"Phone"`, `"Password"`} {
			if strings.Contains(all, secret) {
				t.Errorf("%q stands in %s", secret, all)
			}
		}
	}
}

func TestRequest_PutsALargeImageAside(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for _, size := range []int{event.InlineImage, event.InlineImage + 1, event.MaxImage} {
		r := registration(fmt.Sprint("image-", size))
		r.Image = strings.Repeat("i", size)
		sagaID := request(t, c, r)
		all := inbox(t, s)
		got := decode(t, all[len(all)-1]).Image
		want := event.Image{Inline: r.Image}
		if size > event.InlineImage {
			claim := event.NewImageClaim(sagaID, []byte(r.Image))
			want = event.Image{Claim: &claim}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("image of %d bytes (-want +got):\n%s", size, diff)
		}
		if text, err := images.New(s.JS()).Get(t.Context(), got); err != nil || text != r.Image {
			t.Errorf("image of %d bytes: fetched %d: %v", size, len(text), err)
		}
	}
}

func TestRequest_OfOneKeyIsStoredOnce(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for range 3 {
		if got := request(t, c, registration("again")); got != "again" {
			t.Errorf("the saga is %q", got)
		}
	}
	if n := len(inbox(t, s)); n != 1 {
		t.Errorf("%d requests of one key are stored", n)
	}
	first, second := request(t, c, registration("")), request(t, c, registration(""))
	if first == second || !event.ValidSagaID(first) || !event.ValidSagaID(second) {
		t.Errorf("requests without a key are sagas %q and %q", first, second)
	}
	if n := len(inbox(t, s)); n != 3 {
		t.Errorf("%d requests are stored, want 3", n)
	}
}

func TestRequest_MayBeCalledAtOnce(t *testing.T) {
	t.Parallel()
	s, c, opener := start(t)
	var running sync.WaitGroup
	for i := range 50 {
		running.Go(func() {
			if _, err := c.Request(t.Context(), registration(fmt.Sprint("signup-", i))); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	all := inbox(t, s)
	for _, msg := range all {
		if _, err := opener.Open(*decode(t, msg).Sealed); err != nil {
			t.Error(err)
		}
	}
	if len(all) != 50 {
		t.Errorf("%d requests are stored", len(all))
	}
}

func TestRequest_RefusesWhatIsInvalidBeforeSendingAnything(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for name, tt := range map[string]struct {
		field  string
		change func(*client.Registration)
	}{
		"no Id":                  {"Id", func(r *client.Registration) { r.ID = "" }},
		"a long Id":              {"Id", func(r *client.Registration) { r.ID = strings.Repeat("é", event.MaxID+1) }},
		"an Id with a line end":  {"Id", func(r *client.Registration) { r.ID = "a\nb" }},
		"no token":               {"Token", func(r *client.Registration) { r.Token = "" }},
		"a long token":           {"Token", func(r *client.Registration) { r.Token = strings.Repeat("t", event.MaxToken+1) }},
		"no code":                {"Code", func(r *client.Registration) { r.Code = "" }},
		"a long code":            {"Code", func(r *client.Registration) { r.Code = strings.Repeat("7", event.MaxCode+1) }},
		"no phone":               {"Phone", func(r *client.Registration) { r.Phone = "" }},
		"a long phone":           {"Phone", func(r *client.Registration) { r.Phone = strings.Repeat("7", event.MaxPhone+1) }},
		"no password":            {"Password", func(r *client.Registration) { r.Password = "" }},
		"a long password":        {"Password", func(r *client.Registration) { r.Password = strings.Repeat("7", event.MaxPassword+1) }},
		"a password of bytes":    {"Password", func(r *client.Registration) { r.Password = "caf\xe9" }},
		"no name":                {"Username", func(r *client.Registration) { r.Username = "" }},
		"a long name":            {"Username", func(r *client.Registration) { r.Username = strings.Repeat("7", event.MaxUsername+1) }},
		"a large image":          {"Image", func(r *client.Registration) { r.Image = strings.Repeat("i", event.MaxImage+1) }},
		"an image that is none":  {"Image", func(r *client.Registration) { r.Image = "data:text/html,hello" }},
		"a key with a dot":       {"Key", func(r *client.Registration) { r.Key = "a.b" }},
		"a key with a wildcard":  {"Key", func(r *client.Registration) { r.Key = ">" }},
		"a key that is too long": {"Key", func(r *client.Registration) { r.Key = strings.Repeat("k", 65) }},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			r := registration("key")
			tt.change(&r)
			sagaID, err := c.Request(t.Context(), r)
			field, ok := errors.AsType[*event.FieldError](err)
			if !ok || field.Field != tt.field || sagaID != "" {
				t.Errorf("saga %q, error %v; want one about %s", sagaID, err, tt.field)
			}
			if err != nil && (strings.Contains(err.Error(), "777") || strings.Contains(err.Error(), "caf")) {
				t.Errorf("the error shows the value: %v", err)
			}
		})
	}
	if n := len(inbox(t, s)); n != 0 {
		t.Errorf("%d requests are stored", n)
	}
	bucket, err := s.JS().ObjectStore(t.Context(), event.BucketImages)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := bucket.List(t.Context()); !errors.Is(err, jetstream.ErrNoObjectsFound) {
		t.Errorf("%d images are kept: %v", len(kept), err)
	}
}

func TestRequest_SaysWhenTheInboxIsFull(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	stream, err := s.JS().Stream(t.Context(), event.StreamRequests)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxMsgs = 1
	if _, err := s.JS().UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	request(t, c, registration("first"))
	if _, err := c.Request(t.Context(), registration("second")); err == nil || !strings.Contains(err.Error(), "saga second") || !strings.Contains(err.Error(), "maximum messages") {
		t.Errorf("the error is %v", err)
	}
	if n := len(inbox(t, s)); n != 1 {
		t.Errorf("%d requests are stored", n)
	}
}

func TestRequest_WithoutAnInboxNamesTheRemedy(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	if err := s.JS().DeleteStream(t.Context(), event.StreamRequests); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Request(t.Context(), registration("a")); err == nil || !strings.Contains(err.Error(), "createuser streams apply") {
		t.Errorf("the error is %v", err)
	}
}

func TestRequest_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	s.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Request(ctx, registration("a")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
}

// pulls returns a signal for each time that somebody waits for events.
func pulls(t testing.TB, s *sagatest.Server) <-chan struct{} {
	t.Helper()
	conn, _ := s.Connect()
	signal := make(chan struct{}, 100)
	if _, err := conn.Subscribe("$JS.API.CONSUMER.MSG.NEXT."+event.StreamEvents+".>", func(*nats.Msg) { signal <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	return signal
}

// answer is what Outcome returned.
type answer struct {
	ended event.Ended
	err   error
}

func ask(ctx context.Context, c *client.Client, sagaID string) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		ended, err := c.Outcome(ctx, sagaID)
		answers <- answer{ended, err}
	}()
	return answers
}

func receive[T any](t testing.TB, signal <-chan T, what string) T {
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

func TestOutcome_FindsAPastOneAndWaitsForOneToCome(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	k, other := event.Key{User: event.UserHash("ada"), Saga: "mine"}, event.Key{User: event.UserHash("ada"), Saga: "other"}
	for _, key := range []event.Key{k, other} {
		s.Append(event.TokenVerified{ID: "ada"}, key, time.Time{})
	}
	begun := pulls(t, s)
	waiting := ask(t.Context(), c, k.Saga)
	receive(t, begun, "the one who waits")
	s.Append(event.NewEnded("ada", event.StepCodeChecker, event.CodeLocked), other, time.Time{})
	want := event.NewEnded("ada", event.StepEncryptor, event.CodeEncryptionFailed)
	s.Append(want, k, time.Time{})
	for _, got := range []answer{receive(t, waiting, "the outcome"), receive(t, ask(t.Context(), c, k.Saga), "the past outcome")} {
		if got.err != nil {
			t.Fatal(got.err)
		}
		if diff := cmp.Diff(want, got.ended); diff != "" {
			t.Errorf("outcome (-want +got):\n%s", diff)
		}
	}
	completed := event.NewEnded("ada", event.StepCodeDeleter, event.CodeCreated)
	s.Append(completed, event.Key{User: k.User, Saga: "third"}, time.Time{})
	if got := receive(t, ask(t.Context(), c, "third"), "the success"); got.err != nil || got.ended != completed {
		t.Errorf("outcome %+v", got)
	}
	expectNoConsumers(t, s)
}

// expectNoConsumers fails if a consumer of Outcome is left: one with two
// filters, which the helpers of the test have not.
func expectNoConsumers(t testing.TB, s *sagatest.Server) {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	list := stream.ListConsumers(t.Context())
	for info := range list.Info() {
		if len(info.Config.FilterSubjects) == 2 {
			t.Errorf("a consumer of %v is left behind", info.Config.FilterSubjects)
		}
	}
	if list.Err() != nil {
		t.Error(list.Err())
	}
}

func TestOutcome_EndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	begun := pulls(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	waiting := ask(ctx, c, "never")
	receive(t, begun, "the one who waits")
	cancel()
	got := receive(t, waiting, "the end")
	if !errors.Is(got.err, context.Canceled) || !strings.Contains(got.err.Error(), "saga never") {
		t.Errorf("the error is %v", got.err)
	}
	expectNoConsumers(t, s)
}

func TestOutcome_OutlivesARestart(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	begun := pulls(t, s)
	k := event.Key{User: event.UserHash("ada"), Saga: "mine"}
	waiting := ask(t.Context(), c, k.Saga)
	receive(t, begun, "the one who waits")
	s.Restart()
	want := event.NewEnded("ada", event.StepTokenVerifier, event.CodeSessionExpired)
	s.Append(want, k, time.Time{})
	if got := receive(t, waiting, "the outcome"); got.err != nil || got.ended != want {
		t.Errorf("outcome %+v", got)
	}
}

func TestOutcome_RefusesWhatIsNoSaga(t *testing.T) {
	t.Parallel()
	s, c, _ := start(t)
	for _, sagaID := range []string{"", "*", ">", "a.b", strings.Repeat("k", 65)} {
		if _, err := c.Outcome(t.Context(), sagaID); err == nil || !strings.HasPrefix(err.Error(), "saga id: want") {
			t.Errorf("Outcome(%q): %v", sagaID, err)
		}
	}
	k := event.Key{User: "u", Saga: "strange"}
	s.AppendRaw(event.TypeFailed, []byte(`{"id":["sesame"]}`), k, time.Time{})
	if _, err := c.Outcome(t.Context(), k.Saga); err == nil || !strings.Contains(err.Error(), "decode the outcome of saga strange") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("the error is %v", err)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](func() error { _, err := c.Outcome(t.Context(), k.Saga); return err }()); !ok {
		t.Error("the reason is lost")
	}
}
