package event_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

func FuzzDecodeRequested(f *testing.F) {
	goldens, err := filepath.Glob("testdata/*.json")
	if err != nil || len(goldens) == 0 {
		f.Fatal("no golden files", err)
	}
	for _, name := range goldens {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		var form wireForm
		if err := json.Unmarshal(data, &form); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(form.Body))
	}
	for _, c := range limits() {
		if text, isText := c.value.(string); !isText || len(text) < 2000 { // large seeds slow the fuzzer down
			f.Add(clearFields().with(c.field, c.value).json(f))
		}
	}
	f.Add(sealedFields().json(f))
	f.Add([]byte(`{"Id":"a","id":"\ud800","Image":{"ref":"r"},"SEALED":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := event.DecodeRequested(data)
		_, isField := errors.AsType[*event.FieldError](err)
		switch {
		case errors.Is(err, event.ErrUnreadable):
			if got.ID != "" {
				t.Errorf("unreadable, yet with the Id %q", got.ID)
			}
			return
		case got.ID == "":
			t.Errorf("no Id, yet not unreadable: %v", err)
		case isField:
			return
		case err != nil:
			t.Errorf("an error of neither kind: %v", err)
		}
		again, err := event.DecodeRequested(mustJSON(t, got))
		if err != nil {
			t.Errorf("written again it is refused: %v", err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("written again it is another (-first +again):\n%s", diff)
		}
		if got.Token != "" {
			wantIs(t, got.Validate(), nil)
		}
	})
}

func mustJSON(t testing.TB, value any) []byte {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzParseSubject(f *testing.F) {
	k := event.Key{User: event.UserHash("user-1"), Saga: "saga-1"}
	for _, subject := range []string{
		k.Subject(event.TypeCreated), k.History(), k.DeadLetterSubject(event.StepEncryptor), event.SubjectRequested,
		event.UserEvents("*", "u"), "user.create...", "user.create.a.b.c.d", "user.create.\xff.b.c", "",
	} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		typ, k, err := event.ParseSubject(subject)
		switch {
		case err != nil:
			wantIs(t, err, event.ErrSubject)
		case k.Subject(typ) != subject:
			t.Errorf("%q is read as that of %s", subject, k.Subject(typ))
		case strings.ContainsAny(k.History(), "> \t\r\n\x00") || strings.Count(k.History(), "*") != 1:
			t.Errorf("%q has the history %q", subject, k.History())
		}
		if step, k, err := event.ParseDeadLetterSubject(subject); err == nil && k.DeadLetterSubject(step) != subject {
			t.Errorf("%q is read as that of %s", subject, k.DeadLetterSubject(step))
		}
	})
}

func FuzzSubject(f *testing.F) {
	f.Add("user-1", "saga-1", uint64(1), int64(1))
	f.Add("*.>", "*.>", uint64(0), int64(-1))
	f.Add("", "", uint64(1<<63), int64(0))
	f.Add("\xff\x00", strings.Repeat("x", 65), uint64(7), int64(1)<<62)
	f.Fuzz(func(t *testing.T, id, msgID string, sequence uint64, stored int64) {
		k := event.Key{User: event.UserHash(id), Saga: event.SagaID(msgID, event.StreamRequests, sequence, time.Unix(0, stored))}
		if typ, got, err := event.ParseSubject(k.Subject(event.TypeFailed)); err != nil || got != k || typ != event.TypeFailed {
			t.Errorf("%s: %v, %v", k.Subject(event.TypeFailed), got, err)
		}
		if event.ValidSagaID(msgID) != (k.Saga == msgID) {
			t.Errorf("message id %q makes the saga %q", msgID, k.Saga)
		}
	})
}

func FuzzParseMeta(f *testing.F) {
	full := wireOfMeta(event.Meta{
		ID: "a%b", Source: "/ä", Type: event.TypeFailed, Time: time.Unix(1, 2), Saga: "s", Deadline: time.Unix(3, 4),
		Causation: "c", TraceParent: "00-1-2-3", TraceState: "v=1",
	})
	f.Add(full[0], full[1], full[2], full[3], full[4], full[5], full[6], full[7], full[8])
	f.Add("", "", "", "", "", "", "", "", "")
	f.Add("%", "%C0%A0", "user.create..v1", "0000-01-01T00:00:00+23:59", "%2541", "9999-12-31T23:59:59-23:59", "\xff", "x", "")
	f.Fuzz(func(t *testing.T, id, source, typ, at, saga, deadline, causation, parent, state string) {
		h := map[string][]string{}
		for i, value := range []string{id, source, typ, at, saga, deadline, causation, parent, state} {
			h[metaHeaders()[i]] = []string{value}
		}
		m, err := event.ParseMeta(h)
		if err != nil {
			return
		}
		if m.TraceParent == "" {
			m.TraceState = "" // it is not sent on
		}
		sent := m.Header()
		for name, values := range sent {
			if len(values[0]) > event.MaxHeader {
				return // grown by its encoding past what is read
			}
			if strings.HasPrefix(name, "ce-") && strings.ContainsFunc(values[0], func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("header %s is %q", name, values[0])
			}
		}
		again, err := event.ParseMeta(sent)
		if err != nil {
			t.Fatalf("sent on it is refused: %v", err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("sent on it is another (-first +again):\n%s", diff)
		}
	})
}

// metaHeaders are the headers that ParseMeta reads.
func metaHeaders() []string {
	return []string{
		event.HeaderID, event.HeaderSource, event.HeaderType, event.HeaderTime, event.HeaderSubject,
		event.HeaderDeadline, event.HeaderRequested, event.HeaderCausation, event.HeaderTraceParent, event.HeaderTraceState,
	}
}

// wireOfMeta returns the values of metaHeaders.
func wireOfMeta(m event.Meta) []string {
	h := m.Header()
	var values []string
	for _, name := range metaHeaders() {
		values = append(values, strings.Join(h[name], ""))
	}
	return values
}

func FuzzOpenBytes(f *testing.F) {
	const keys = "alice:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"
	opener := event.NewOpener(parsed(f, keys)...)
	var genuine event.Sealed
	if err := json.Unmarshal([]byte(sealedLongAgo), &genuine); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(sealedLongAgo))
	for i, s := range flips(genuine) {
		if i%16 == 0 {
			f.Add(mustJSON(f, s))
		}
	}
	f.Add([]byte(`{"kid":"alice"}`))
	f.Add([]byte(`{"kid":"bob","key":"","data":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var s event.Sealed
		if json.Unmarshal(data, &s) != nil {
			return
		}
		plain, err := opener.OpenBytes(s)
		if err != nil {
			if !errors.Is(err, event.ErrNotSealed) && !errors.Is(err, event.ErrUnknownKey) {
				t.Errorf("an error of another kind: %v", err)
			}
			return
		}
		if diff := cmp.Diff(genuine, s); diff != "" {
			t.Errorf("opened to %q, though it is not what was sealed (-sealed +opened):\n%s", plain, diff)
		}
	})
}

func FuzzParsePrivateKeys(f *testing.F) {
	const alice = "alice:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"
	for _, text := range []string{alice, alice + ",b:" + material(alice), "", ",", ":", "a:", "a:" + strings.Repeat("A", 43), material(alice) + ":a"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := event.ParsePrivateKeys(text)
		if err != nil {
			if len(err.Error()) > 150 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		var printed []string
		for _, k := range keys {
			printed = append(printed, keyText(t, k))
		}
		again := parsed(t, strings.Join(printed, ","))
		for i, k := range keys {
			if k.ID != again[i].ID || k.Public().String() != again[i].Public().String() {
				t.Errorf("key %d is read as another", i)
			}
		}
	})
}

func FuzzCheckImage(f *testing.F) {
	for kind, bytes := range imageBytes() {
		f.Add(dataURL("image/"+kind, bytes))
	}
	for _, image := range []string{"", "data", "data:", "data:,", "data:;base64,", "data:image/;base64,", ":", " DATA : IMAGE/PNG ; BASE64 ,", "\xff"} {
		f.Add(image)
	}
	f.Fuzz(func(t *testing.T, image string) {
		err := event.CheckImage(image)
		if err != nil && !errors.Is(err, event.ErrImage) {
			t.Errorf("an error of another kind: %v", err)
		}
		lower := strings.ToLower(strings.TrimSpace(image))
		if err == nil && strings.HasPrefix(lower, "data:") && !strings.HasPrefix(strings.TrimSpace(lower[len("data:"):]), "image/") {
			t.Errorf("a data URL that names no image is accepted: %q", image)
		}
		claim := event.NewImageClaim("r", []byte(image))
		wantIs(t, claim.Check([]byte(image)), nil)
	})
}
