package event_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// wireForm is a golden file: an event as it travels.
type wireForm struct {
	Subject string            `json:"subject"`
	Header  map[string]string `json:"header,omitempty"`
	Body    json.RawMessage   `json:"body"`
}

// bodies are the events whose wire form is kept, by file name.
func bodies() map[string]event.Body {
	const id = `user 1 <ü>`
	sealed := event.Sealed{
		KeyID: "2026-01", Key: bytes.Repeat([]byte{0xA5}, event.SealedKeySize), Saga: "saga-1", Data: bytes.Repeat([]byte{0x5A}, 60),
	}
	image := event.Image{Inline: "data:image/gif;base64,R0lGODlhAQABAAAAACw="}
	claim := event.NewImageClaim("saga-1", bytes.Repeat([]byte("x"), 20_000))
	duplicate := event.NewEnded(id, event.StepCodeChecker, event.CodeDuplicateRequest)
	duplicate.Of = "saga-0"
	return map[string]event.Body{
		"requested-clear": event.Requested{
			ID: id, Token: "a.b.c", Code: "123456", Phone: "+49151", Password: `p&"ß`, Username: "Ada", Image: image,
		},
		"requested-sealed": event.Requested{
			ID: id, Token: "a.b.c", Code: "123456", Sealed: &sealed, Username: "Ada", Image: event.Image{Claim: &claim},
		},
		"token-verified":       event.TokenVerified{ID: id, Code: "123456", Sealed: sealed, Username: "Ada", Image: image},
		"token-verified-claim": event.TokenVerified{ID: id, Code: "123456", Sealed: sealed, Username: "Ada", Image: event.Image{Claim: &claim}},
		"code-checked":         event.CodeChecked{ID: id, Sealed: sealed, Username: "Ada", Image: event.Image{}},
		"encrypted":            event.Encrypted{ID: id, EncryptedPhone: "cGhvbmU=", EncryptedPassword: "cGFzcw==", Username: "Ada", Image: image},
		"created":              event.Created{ID: id, Username: "Ada"},
		"completed":            event.NewEnded(id, event.StepCodeDeleter, event.CodeCreated),
		"failed":               event.NewEnded(id, event.StepCodeChecker, event.CodeIncorrect),
		"failed-duplicate":     duplicate,
	}
}

func wire(t *testing.T, body event.Body) wireForm {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.FixedZone("", 3600))
	key := event.Key{User: event.UserHash(body.UserID()), Saga: "saga-1"}
	meta := event.Meta{
		ID: "saga-1." + string(body.EventType()), Source: "/create-user/a service", Type: body.EventType(), Time: made,
		Saga: "saga-1", Deadline: made.Add(2 * time.Minute), Requested: made.Add(-time.Second), Causation: "cause/1",
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "vendor=1",
	}
	subject := key.Subject(body.EventType())
	if body.EventType() == event.TypeRequested {
		subject, meta.Causation, meta.Requested = event.SubjectRequested, "", time.Time{}
	}
	form := wireForm{Subject: subject, Header: map[string]string{}, Body: data}
	for name, values := range meta.Header() {
		if len(values) != 1 {
			t.Errorf("header %s has %d values, want one", name, len(values))
		}
		form.Header[name] = values[0]
	}
	return form
}

func TestEvents_HaveTheirGoldenWireForm(t *testing.T) {
	for name, body := range bodies() {
		t.Run(name, func(t *testing.T) {
			golden := goldenFile(t, name, wire(t, body))
			read := reflect.New(reflect.TypeOf(body))
			if err := json.Unmarshal(golden.Body, read.Interface()); err != nil {
				t.Fatalf("a reader of the stored form: %v", err)
			}
			if diff := cmp.Diff(body, read.Elem().Interface()); diff != "" {
				t.Errorf("a reader of the stored form sees another event (-made +read):\n%s", diff)
			}
			if got, err := event.ParseMeta(header(golden.Header)); err != nil || got.Type != body.EventType() {
				t.Errorf("stored headers: type %q, error %v; want %q", got.Type, err, body.EventType())
			}
		})
	}
}

func TestRequests_AreReadInBothGoldenForms(t *testing.T) {
	for _, name := range []string{"requested-clear", "requested-sealed"} {
		t.Run(name, func(t *testing.T) {
			got, err := event.DecodeRequested(readGolden(t, name).Body)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(bodies()[name], event.Body(got)); diff != "" {
				t.Errorf("decoded (-made +read):\n%s", diff)
			}
		})
	}
}

func TestGoldenFiles_CoverEveryType(t *testing.T) {
	seen := map[event.Type]bool{}
	for _, body := range bodies() {
		seen[body.EventType()] = true
	}
	for _, typ := range event.Types() {
		if !seen[typ] {
			t.Errorf("no golden file holds a %s event", typ)
		}
	}
}

func TestDeadLetter_HasItsGoldenForm(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	letter := event.DeadLetter{
		Step: event.StepEncryptor, Reason: event.ReasonPanic, Errors: []string{"outer: inner", "inner"},
		Subject: "user.create.code-checked.u.saga-1-r1", Stream: event.StreamEvents, Sequence: 7, Stored: at, Died: at.Add(time.Second),
		Deliveries: 1, EventID: "saga-1-r1.code-checked", User: event.UserHash("user 1"), Saga: "saga-1-r1",
		ReplayOf: "saga-1", Message: validSealed(),
	}
	data, err := json.Marshal(letter)
	if err != nil {
		t.Fatal(err)
	}
	subject := event.Key{User: letter.User, Saga: letter.Saga}.DeadLetterSubject(letter.Step)
	golden := goldenFile(t, "dead-letter", wireForm{Subject: subject, Body: data})
	var read event.DeadLetter
	if err := json.Unmarshal(golden.Body, &read); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(letter, read); diff != "" {
		t.Errorf("a reader of the stored form sees another dead letter (-made +read):\n%s", diff)
	}
}

// goldenFile compares made with the golden file of that name, byte by byte, and
// returns what the file holds. With -update it writes the file first.
func goldenFile(t *testing.T, name string, made wireForm) wireForm {
	t.Helper()
	text, err := json.MarshalIndent(made, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(goldenPath(name), append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.ReadFile(goldenPath(name))
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if diff := cmp.Diff(string(stored), string(text)+"\n"); diff != "" {
		t.Errorf("the wire form has changed, which breaks readers of stored events (-stored +made):\n%s", diff)
	}
	return readGolden(t, name)
}

func readGolden(t *testing.T, name string) wireForm {
	t.Helper()
	stored, err := os.ReadFile(goldenPath(name))
	if err != nil {
		t.Fatal(err)
	}
	var form wireForm
	if err := json.Unmarshal(stored, &form); err != nil {
		t.Fatal(err)
	}
	return form
}

func goldenPath(name string) string { return filepath.Join("testdata", name+".json") }
