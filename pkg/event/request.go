package event

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/v1"
)

// The limits of a request's fields: characters, except where bytes are named.
const (
	MaxID       = 100
	MaxUsername = 100
	MaxPhone    = 32
	MaxPassword = 1024 // bytes
	MaxCode     = 16
	MaxToken    = 8 << 10 // bytes
)

// maxReadableID is the longest Id, in bytes, that an outcome can name: JSON may
// escape each byte as six, and an event holds at most 1 MiB.
const maxReadableID = 128 << 10

// ErrUnreadable is wrapped by the errors of [DecodeRequested] when not even an
// Id can be read, or none that an outcome could name, so that nobody can be
// told: the request is poison.
var ErrUnreadable = errors.New("request cannot be read")

// FieldError says what is wrong with one field of a request. It never holds
// the field's value.
type FieldError struct {
	Field   string
	Problem string
}

// Error implements error.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

func invalid(field, format string, args ...any) error {
	return &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
}

// rawRequest defers the decoding of each field, so that one bad field does not
// hide the Id. Names match case-insensitively, as encoding/json does.
type rawRequest struct {
	ID       json.RawMessage `json:"Id"`
	Token    json.RawMessage
	Code     json.RawMessage
	Phone    json.RawMessage
	Password json.RawMessage
	Sealed   json.RawMessage
	Username json.RawMessage
	Image    json.RawMessage
}

// DecodeRequested reads a request from outside. Its errors are
//
//   - [ErrUnreadable]: not JSON, without an Id, or with one of more than 128 KiB:
//     nobody can be told;
//   - [*FieldError]: the Id was read and is in the result; another field is
//     missing, mistyped or out of range.
//
// The token is not judged here: one that is no string reads as empty, which no
// verifier accepts, so whatever is wrong with it is an expired session.
func DecodeRequested(data []byte) (Requested, error) {
	var raw rawRequest
	if !utf8.Valid(data) {
		return Requested{}, fmt.Errorf("%w: not UTF-8", ErrUnreadable)
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return Requested{}, fmt.Errorf("%w: %s", ErrUnreadable, jsonProblem(err))
	}
	var r Requested
	if err := json.Unmarshal(orNull(raw.ID), &r.ID); err != nil || r.ID == "" {
		return Requested{}, fmt.Errorf("%w: Id: must be a string of 1 to %d characters", ErrUnreadable, MaxID)
	}
	if len(r.ID) > maxReadableID {
		return Requested{}, fmt.Errorf("%w: Id: has %d bytes", ErrUnreadable, len(r.ID))
	}
	return r, r.decode(raw)
}

// decode reads and checks the fields beside the Id, reporting the first problem.
func (r *Requested) decode(raw rawRequest) error {
	if json.Unmarshal(orNull(raw.Token), &r.Token) != nil || len(r.Token) > MaxToken {
		r.Token = ""
	}
	if err := checkID(r.ID); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		raw  json.RawMessage
		to   *string
		max  int
	}{
		{"Code", raw.Code, &r.Code, MaxCode},
		{"Username", raw.Username, &r.Username, MaxUsername},
	} {
		if err := text(f.name, f.raw, f.to, f.max); err != nil {
			return err
		}
	}
	if err := r.decodeCredentials(raw); err != nil {
		return err
	}
	return r.decodeImage(raw.Image)
}

func (r *Requested) decodeCredentials(raw rawRequest) error {
	if !null(raw.Sealed) {
		if !null(raw.Phone) || !null(raw.Password) {
			return invalid("Sealed", "send either Sealed or Phone and Password, not both")
		}
		r.Sealed = new(Sealed)
		if err := json.Unmarshal(raw.Sealed, r.Sealed); err != nil {
			return invalid("Sealed", "must be an object as the SDK makes it")
		}
		return r.Sealed.validate()
	}
	if err := str("Phone", raw.Phone, &r.Phone); err != nil {
		return err
	}
	if err := str("Password", raw.Password, &r.Password); err != nil {
		return err
	}
	return Credentials{Phone: r.Phone, Password: r.Password}.Validate()
}

func (r *Requested) decodeImage(raw json.RawMessage) error {
	if err := json.Unmarshal(orNull(raw), &r.Image); err != nil {
		return invalid("Image", "must be a string, or a claim check {ref, size, sha256}")
	}
	if r.Image.Claim != nil {
		if err := r.Image.Claim.validate(); err != nil {
			return invalid("Image", "%s", err)
		}
		return nil
	}
	if err := CheckImage(r.Image.Inline); err != nil {
		return invalid("Image", "%s", err)
	}
	return nil
}

// str reads a string of any length.
func str(name string, raw json.RawMessage, to *string) error {
	if null(raw) {
		return invalid(name, "is missing")
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return invalid(name, "must be a string")
	}
	return nil
}

// text reads a string of 1 to most characters.
func text(name string, raw json.RawMessage, to *string, most int) error {
	if err := str(name, raw, to); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(*to); n < 1 || n > most {
		return invalid(name, "must have 1 to %d characters, has %d", most, n)
	}
	return nil
}

// reserved begins the Redis keys of Create User itself. An Id is a Redis key
// too (that of its code), so an Id must not begin like one of ours.
const reserved = "create-user:"

func checkID(id string) error {
	if n := utf8.RuneCountInString(id); n < 1 || n > MaxID {
		return invalid("Id", "must have 1 to %d characters, has %d", MaxID, n)
	}
	if strings.ContainsFunc(id, unicode.IsControl) {
		return invalid("Id", "must not hold control characters")
	}
	if strings.HasPrefix(id, reserved) {
		return invalid("Id", "must not begin with %q", reserved)
	}
	return nil
}

func null(raw json.RawMessage) bool { return len(raw) == 0 || bytes.Equal(raw, []byte("null")) }

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}

// jsonProblem describes a decoding error without the text that caused it.
func jsonProblem(err error) string {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("not JSON (at byte %d)", e.Offset)
	}
	return "not a JSON object"
}

// Validate checks a request that is about to be sent, as its receiver will. It
// returns a [*FieldError].
func (r Requested) Validate() error {
	if err := checkID(r.ID); err != nil {
		return err
	}
	if r.Token == "" || len(r.Token) > MaxToken {
		return invalid("Token", "must have 1 to %d bytes", MaxToken)
	}
	if err := r.checkUTF8(); err != nil {
		return err
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	_, err = DecodeRequested(data)
	return err
}

// checkUTF8 refuses text that JSON would change without a word: another Id, a
// password that the user did not choose.
func (r Requested) checkUTF8() error {
	for _, f := range []struct{ name, value string }{
		{"Id", r.ID}, {"Token", r.Token}, {"Code", r.Code}, {"Phone", r.Phone},
		{"Password", r.Password}, {"Username", r.Username}, {"Image", r.Image.Inline},
	} {
		if !utf8.ValidString(f.value) {
			return invalid(f.name, "must be UTF-8")
		}
	}
	return nil
}
