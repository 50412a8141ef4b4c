package event_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestDecodeRequested_UnreadableRequestsArePoison(t *testing.T) {
	for name, data := range map[string]string{
		"nothing":                          "",
		"white space":                      " \n",
		"not JSON":                         "Id=user-1",
		"a list":                           `[{"Id":"user-1"}]`,
		"a string":                         `"user-1"`,
		"a number":                         "5",
		"null":                             "null",
		"true":                             "true",
		"an empty object":                  "{}",
		"no Id":                            string(clearFields().without("Id").json(t)),
		"Id null":                          `{"Id":null}`,
		"Id empty":                         `{"Id":""}`,
		"Id a number":                      `{"Id":5}`,
		"Id a list":                        `{"Id":["user-1"]}`,
		"Id an object":                     `{"Id":{"Id":"user-1"}}`,
		"Id false":                         `{"Id":false}`,
		"Id longer than an outcome can be": `{"Id":"` + strings.Repeat("x", event.MaxReadableID+1) + `"}`,
		"Id inside another object":         `{"data":{"Id":"user-1"}}`,
		"cut off":                          `{"Id":"user-1"`,
		"garbage behind":                   `{"Id":"user-1"}x`,
		"another object behind":            `{"Id":"user-1"}{"Id":"user-2"}`,
		"a null byte behind":               "{\"Id\":\"user-1\"}\x00",
		"a byte order mark before":         "\ufeff{\"Id\":\"user-1\"}",
		"Id not UTF-8":                     "{\"Id\":\"user-\xff\"}",
		"another field not UTF-8":          "{\"Id\":\"user-1\",\"Username\":\"\xc0\xa0\"}",
		"a surrogate in UTF-8":             "{\"Id\":\"user-1\",\"Username\":\"\xed\xa0\x80\"}",
		"UTF-16":                           "{\x00\"\x00I\x00d\x00\"\x00:\x00\"\x00x\x00\"\x00}\x00",
		"a raw line feed in a string":      "{\"Id\":\"user\n1\"}",
		"nested a million deep":            `{"Id":"user-1","x":` + strings.Repeat("[", 1_000_000),
		"objects nested 100,000 deep":      `{"Id":"x","x":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + "}",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.DecodeRequested([]byte(data))
			wantIs(t, err, event.ErrUnreadable)
			if got.ID != "" {
				t.Errorf("it is poison, yet has the Id %.100q", got.ID)
			}
		})
	}
}

// What is wrong with a field must leave the Id readable, so that the user is told.
func TestDecodeRequested_FieldsOfAnotherTypeAreRefused(t *testing.T) {
	other := map[string]any{
		"a number": 123456, "true": true, "a list": []string{"x"}, "an object": fields{"x": "y"}, "null": nil,
	}
	for _, field := range []string{"Code", "Username", "Phone", "Password"} {
		for name, value := range other {
			t.Run(field+" "+name, func(t *testing.T) { refused(t, clearFields().with(field, value), field) })
		}
		t.Run(field+" missing", func(t *testing.T) { refused(t, clearFields().without(field), field) })
	}
	for name, value := range other {
		if value != nil { // no image is fine
			t.Run("Image "+name, func(t *testing.T) { refused(t, clearFields().with("Image", value), "Image") })
		}
		t.Run("Sealed "+name, func(t *testing.T) {
			if value == nil {
				refused(t, sealedFields().with("Sealed", nil), "Phone")
			} else {
				refused(t, sealedFields().with("Sealed", value), "Sealed")
			}
		})
	}
}

// refused fails unless the request is refused for the field, with its Id read.
func refused(t *testing.T, request fields, field string) {
	t.Helper()
	got, err := event.DecodeRequested(request.json(t))
	wantField(t, err, field)
	if got.ID != "user-1" {
		t.Errorf("the result has the Id %q", got.ID)
	}
}

func TestDecodeRequested_SealedMustHaveItsForm(t *testing.T) {
	broken := func(change func(*event.Sealed)) event.Sealed { s := validSealed(); change(&s); return s }
	for name, value := range map[string]any{
		"an empty object":      fields{},
		"a missing kid":        fields{"key": make([]byte, 80), "saga": "s", "data": make([]byte, 40)},
		"a kid of two lines":   broken(func(s *event.Sealed) { s.KeyID = "a\nb" }),
		"a kid too long":       broken(func(s *event.Sealed) { s.KeyID = strings.Repeat("k", 33) }),
		"a kid as a number":    fields{"kid": 5},
		"a key too short":      broken(func(s *event.Sealed) { s.Key = s.Key[1:] }),
		"a key too long":       broken(func(s *event.Sealed) { s.Key = append(s.Key, 0) }),
		"a key not in base64":  fields{"kid": "k", "key": "!!!!", "saga": "s", "data": make([]byte, 40)},
		"no saga":              broken(func(s *event.Sealed) { s.Saga = "" }),
		"a saga with a dot":    broken(func(s *event.Sealed) { s.Saga = "a.b" }),
		"data too short":       broken(func(s *event.Sealed) { s.Data = make([]byte, event.DataOverhead-1) }),
		"data too long":        broken(func(s *event.Sealed) { s.Data = make([]byte, event.DataOverhead+event.MaxSealedData+1) }),
		"data not in base64":   fields{"kid": "k", "key": make([]byte, 80), "saga": "s", "data": "\u0001"},
		"data as a list":       fields{"kid": "k", "key": make([]byte, 80), "saga": "s", "data": []string{"x"}},
		"clear credentials in": fields{"phone": "1", "password": "2"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, sealedFields().with("Sealed", value), "Sealed") })
	}
	t.Run("a phone beside it", func(t *testing.T) { refused(t, sealedFields().with("Phone", "1"), "Sealed") })
	t.Run("a password beside it", func(t *testing.T) { refused(t, sealedFields().with("Password", ""), "Sealed") })
	t.Run("nulls beside it are nothing", func(t *testing.T) {
		_, err := event.DecodeRequested(sealedFields().with("Phone", nil).with("Password", nil).json(t))
		wantIs(t, err, nil)
	})
	for name, size := range map[string]int{"the least data": event.DataOverhead, "the most data": event.DataOverhead + event.MaxSealedData} {
		t.Run(name, func(t *testing.T) {
			s := broken(func(s *event.Sealed) { s.Data = make([]byte, size) })
			_, err := event.DecodeRequested(sealedFields().with("Sealed", s).json(t))
			wantIs(t, err, nil)
		})
	}
}

// secretNumber stands for a secret that is sent as a number.
const secretNumber = "98765432123456789"

// anyJSON draws a JSON value that holds secret, or secretNumber.
func anyJSON(t *rapid.T, secret string) any {
	return rapid.SampledFrom([]func() any{
		func() any { return secret },
		func() any { return []any{secret} },
		func() any { return fields{secret: 1} },
		func() any { return fields{"a": secret} },
		func() any { return json.Number(secretNumber) },
		func() any { return strings.Repeat(secret, 100) },
		func() any { return strings.Repeat(secret, event.MaxReadableID/len(secret)) },
		func() any { return secret + "\x00" },
		func() any { return "data:image/png;base64," + secret },
		func() any { return "data:" + secret },
		func() any { return "data:image/" + secret + ";base64,x" },
		func() any { return "DATA:" + secret + "," },
		func() any { return fields{"ref": secret, "size": 1, "sha256": secret} },
		func() any { return fields{"ref": "r", "size": secret} },
		func() any { return fields{"ref": "r", "size": json.Number(secretNumber), "sha256": "x"} },
		func() any { return fields{"kid": secret, "key": secret, "saga": secret, "data": secret} },
		func() any { return nil },
	}).Draw(t, "value")()
}

func TestDecodeRequested_ErrorsHoldNoValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := map[string]string{}
		request := clearFields()
		for _, field := range []string{"Id", "Token", "Code", "Phone", "Password", "Username", "Image", "Sealed"} {
			if rapid.Bool().Draw(t, field+" is odd") {
				secrets[field] = rapid.StringMatching(`[A-Za-z0-9]{12}`).Draw(t, field)
				request[field] = anyJSON(t, secrets[field])
			}
		}
		data, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "cut off") {
			data = data[:rapid.IntRange(0, len(data)).Draw(t, "length")]
		}
		if _, err = event.DecodeRequested(data); err == nil {
			return
		}
		for field, secret := range secrets {
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), secretNumber) {
				t.Errorf("error %q holds the %s", err, field)
			}
		}
		if len(err.Error()) > 200 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}

// An outcome that names the longest readable Id must fit the event store, whose
// events hold at most 1 MiB.
func TestDecodeRequested_LongestReadableIDFitsAnEvent(t *testing.T) {
	id := strings.Repeat("<", event.MaxReadableID)
	got, err := event.DecodeRequested(clearFields().with("Id", id).json(t))
	wantField(t, err, "Id")
	body, err := json.Marshal(event.NewEnded(got.ID, event.StepTokenVerifier, event.CodeInvalidRequest))
	if err != nil {
		t.Fatal(err)
	}
	const headers = 10 << 10 // far more than they take
	if len(body)+headers > 1<<20 {
		t.Errorf("the outcome has %d bytes", len(body))
	}
	if !bytes.Contains(body, []byte(`\u003c`)) {
		t.Error("the Id is not the worst case: nothing was escaped")
	}
}

func TestDecodeRequested_NothingIsBothUnreadableAndAFieldError(t *testing.T) {
	_, err := event.DecodeRequested([]byte(`{"Id":5,"Code":5}`))
	if _, ok := errors.AsType[*event.FieldError](err); ok || !errors.Is(err, event.ErrUnreadable) {
		t.Errorf("got %v", err)
	}
}

func TestDecodeRequested_SyntaxErrorsSayWhereAndNothingOfWhat(t *testing.T) {
	_, err := event.DecodeRequested([]byte(`{"Id":"user-1","Code":7x}`))
	if want := "request cannot be read: not JSON (at byte 24)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
