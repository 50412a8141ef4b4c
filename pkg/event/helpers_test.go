package event_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
)

// fields are the properties of a request as JSON values; one that is absent is
// not sent.
type fields map[string]any

// clearFields returns a valid request with credentials in clear.
func clearFields() fields {
	return fields{
		"Id": "user-1", "Token": "header.claims.signature", "Code": "123456",
		"Phone": "+4915112345678", "Password": "correct horse", "Username": "Ada", "Image": "",
	}
}

// sealedFields returns a valid request with sealed credentials.
func sealedFields() fields {
	return clearFields().without("Phone").without("Password").with("Sealed", validSealed())
}

func (f fields) with(name string, value any) fields {
	f = maps.Clone(f)
	f[name] = value
	return f
}

func (f fields) without(name string) fields {
	f = maps.Clone(f)
	delete(f, name)
	return f
}

func (f fields) json(t testing.TB) []byte {
	t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// validSealed returns something with the form of sealed credentials.
func validSealed() event.Sealed {
	return event.Sealed{
		KeyID: "key-1", Key: make([]byte, event.SealedKeySize), Saga: "saga-1", Data: make([]byte, event.DataOverhead+40),
	}
}

// header returns headers of one value each.
func header(values map[string]string) map[string][]string {
	h := map[string][]string{}
	for name, value := range values {
		h[name] = []string{value}
	}
	return h
}

// wantField fails unless err is the FieldError of the named field.
func wantField(t testing.TB, err error, field string) {
	t.Helper()
	e, ok := errors.AsType[*event.FieldError](err)
	switch {
	case !ok:
		t.Errorf("got error %v, want a FieldError of %s", err, field)
	case e.Field != field:
		t.Errorf("got an error of field %s (%s), want %s", e.Field, e.Problem, field)
	case errors.Is(err, event.ErrUnreadable):
		t.Errorf("got ErrUnreadable beside the FieldError of %s", field)
	}
}

// wantIs fails unless err is, or wraps, want; nil wants none.
func wantIs(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// chars returns a string of n characters of four bytes each.
func chars(n int) string { return strings.Repeat("🦉", n) }

func newKey(t testing.TB, id string) event.PrivateKey {
	t.Helper()
	key, err := event.GenerateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// parsed returns the private keys of a text.
func parsed(t testing.TB, text string) []event.PrivateKey {
	t.Helper()
	keys, err := event.ParsePrivateKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func keyText(t testing.TB, key event.PrivateKey) string {
	t.Helper()
	text, err := key.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encodeKey(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }

// decodeKey is the inverse of encodeKey; nil for what is not base64url.
func decodeKey(text string) []byte {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	return raw
}

// seal seals for the saga "saga-1".
func seal(t testing.TB, s *event.Sealer, c event.Credentials) event.Sealed {
	t.Helper()
	sealed, err := s.Seal("saga-1", c)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}
