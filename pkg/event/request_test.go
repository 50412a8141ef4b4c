package event_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

// limits are values of each field on both sides of its limits.
func limits() []struct {
	field, name string
	value       any
	ok          bool
} {
	return []struct {
		field, name string
		value       any
		ok          bool
	}{
		{"Id", "of 1 character", "x", true},
		{"Id", "of 100 characters of four bytes", chars(100), true},
		{"Id", "of 101 characters", strings.Repeat("x", 101), false},
		{"Id", "of 100 kB", strings.Repeat("x", 100_000), false},
		{"Id", "as long as an outcome can name", strings.Repeat("<", event.MaxReadableID), false},
		{"Id", "of dots", "...", true},
		{"Id", "of wildcards", "*.>.user.create.>", true},
		{"Id", "of spaces", "   ", true},
		{"Id", "of emoji", "👩‍👩‍👧‍👦🏴‍☠️", true},
		{"Id", "of path separators and quotes", `../../"'\;--`, true},
		{"Id", "with a line feed", "a\nb", false},
		{"Id", "with a null character", "a\x00", false},
		{"Id", "with a delete character", "a\x7f", false},
		{"Id", "with a C1 control character", "a\u0085", false},
		{"Id", "like our own Redis keys", "create-user:claim:{x}", false},
		{"Id", "unlike our own Redis keys", "create-user", true},
		{"Code", "of 1 character", "1", true},
		{"Code", "of 16 characters of four bytes", chars(16), true},
		{"Code", "of 17 characters", strings.Repeat("1", 17), false},
		{"Code", "empty", "", false},
		{"Username", "of 1 character", "x", true},
		{"Username", "of 100 characters of four bytes", chars(100), true},
		{"Username", "of 101 characters", strings.Repeat("x", 101), false},
		{"Username", "empty", "", false},
		{"Phone", "of 1 character", "1", true},
		{"Phone", "of 32 characters of four bytes", chars(32), true},
		{"Phone", "of 33 characters", strings.Repeat("1", 33), false},
		{"Phone", "empty", "", false},
		{"Phone", "that is markup", "</phone><password>X</password>", true}, // the encryptor escapes it
		{"Password", "of 1 byte", "x", true},
		{"Password", "of 1024 bytes", chars(256), true},
		{"Password", "of 1025 bytes", chars(256) + "x", false},
		{"Password", "of 1025 characters", strings.Repeat("x", 1025), false},
		{"Password", "empty", "", false},
		{"Password", "that is markup", "</password>", true},
		{"Image", "empty", "", true},
		{"Image", "null", nil, true},
		{"Image", "of 1 MiB", strings.Repeat("x", event.MaxImage), true},
		{"Image", "of a byte more", strings.Repeat("x", event.MaxImage+1), false},
	}
}

func TestDecodeRequested_Limits(t *testing.T) {
	for _, c := range limits() {
		t.Run(c.field+" "+c.name, func(t *testing.T) {
			request := clearFields().with(c.field, c.value)
			got, err := event.DecodeRequested(request.json(t))
			if c.ok && err != nil {
				t.Errorf("it is refused: %v", err)
			}
			if !c.ok {
				wantField(t, err, c.field)
			}
			if got.ID != request["Id"] {
				t.Errorf("the result has the Id %.200q, want %.200q", got.ID, request["Id"])
			}
		})
	}
}

func TestDecodeRequested_PublishersAreHeldToTheSameLimits(t *testing.T) {
	for _, c := range limits() {
		if c.value == nil {
			continue
		}
		t.Run(c.field+" "+c.name, func(t *testing.T) {
			err := requestOf(clearFields().with(c.field, c.value)).Validate()
			if c.ok && err != nil {
				t.Errorf("it is refused: %v", err)
			}
			if !c.ok {
				wantField(t, err, c.field)
			}
		})
	}
}

// requestOf returns the request that a Go publisher would make of clear fields.
func requestOf(f fields) event.Requested {
	text := func(name string) string { s, _ := f[name].(string); return s }
	return event.Requested{
		ID: text("Id"), Token: text("Token"), Code: text("Code"), Phone: text("Phone"), Password: text("Password"),
		Username: text("Username"), Image: event.Image{Inline: text("Image")},
	}
}

func TestValidate_RefusesWhatItsReceiverCouldNotTell(t *testing.T) {
	valid := requestOf(clearFields())
	for _, c := range []struct {
		name, field string
		change      func(*event.Requested)
	}{
		{"no Id", "Id", func(r *event.Requested) { r.ID = "" }},
		{"an Id that no outcome can name", "Id", func(r *event.Requested) { r.ID = strings.Repeat("x", event.MaxReadableID+1) }},
		{"an Id that is not UTF-8", "Id", func(r *event.Requested) { r.ID = "a\xff" }},
		{"no token", "Token", func(r *event.Requested) { r.Token = "" }},
		{"a token of more than 8 KiB", "Token", func(r *event.Requested) { r.Token = strings.Repeat("x", event.MaxToken+1) }},
		{"a token that is not UTF-8", "Token", func(r *event.Requested) { r.Token = "a\xff" }},
		{"a code that is not UTF-8", "Code", func(r *event.Requested) { r.Code = "a\xff" }},
		{"a phone that is not UTF-8", "Phone", func(r *event.Requested) { r.Phone = "a\xff" }},
		{"a password that is not UTF-8", "Password", func(r *event.Requested) { r.Password = "a\xff" }},
		{"a username that is not UTF-8", "Username", func(r *event.Requested) { r.Username = "a\xff" }},
		{"an image that is not UTF-8", "Image", func(r *event.Requested) { r.Image.Inline = "a\xff" }},
		{"no credentials", "Phone", func(r *event.Requested) { r.Phone, r.Password = "", "" }},
		{"both forms of credentials", "Sealed", func(r *event.Requested) { s := validSealed(); r.Sealed = &s }},
		{"a malformed claim check", "Image", func(r *event.Requested) { r.Image.Claim = &event.ImageClaim{} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := valid
			c.change(&r)
			wantField(t, r.Validate(), c.field)
		})
	}
	if err := valid.Validate(); err != nil {
		t.Errorf("the request that all of these change is refused: %v", err)
	}
}

func TestDecodeRequested_NamesMatchInAnyCase(t *testing.T) {
	want, err := event.DecodeRequested(clearFields().json(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, rename := range map[string]func(string) string{
		"lower": strings.ToLower, "upper": strings.ToUpper,
		"mixed": func(s string) string { return strings.ToLower(s[:1]) + strings.ToUpper(s[1:]) },
	} {
		renamed := fields{}
		for field, value := range clearFields() {
			renamed[rename(field)] = value
		}
		got, err := event.DecodeRequested(renamed.json(t))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-exact +%s):\n%s", name, name, diff)
		}
	}
}

func TestDecodeRequested_LastOfDuplicateKeysCounts(t *testing.T) {
	const rest = `"Token":"t","Code":"1","Phone":"2","Password":"3","Username":"4"}`
	for name, c := range map[string]struct{ head, id, field string }{
		"a second Id":                     {`{"Id":"one","Id":"two",`, "two", ""},
		"a second id in another case":     {`{"Id":"one","iD":"two",`, "two", ""},
		"a first Code that is a number":   {`{"Id":"one","Code":5,`, "one", ""},
		"clear credentials beside sealed": {`{"Id":"one","Sealed":{},`, "one", "Sealed"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.DecodeRequested([]byte(c.head + rest))
			if got.ID != c.id {
				t.Errorf("Id %q, want %q", got.ID, c.id)
			}
			if c.field == "" {
				wantIs(t, err, nil)
			} else {
				wantField(t, err, c.field)
			}
		})
	}
	_, err := event.DecodeRequested([]byte(`{"Id":"one","id":null}`))
	wantIs(t, err, event.ErrUnreadable)
}

// Whatever is wrong with a token is an expired session, not an invalid request.
func TestDecodeRequested_TokenThatIsNoneReadsAsEmpty(t *testing.T) {
	for name, c := range map[string]struct{ value, want any }{
		"missing":       {nil, ""},
		"a number":      {5, ""},
		"an object":     {fields{"a": "b"}, ""},
		"a list":        {[]string{"a.b.c"}, ""},
		"true":          {true, ""},
		"empty":         {"", ""},
		"of 8 KiB":      {strings.Repeat("x", event.MaxToken), strings.Repeat("x", event.MaxToken)},
		"a byte more":   {strings.Repeat("x", event.MaxToken+1), ""},
		"no JWT at all": {"not a token", "not a token"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.DecodeRequested(clearFields().with("Token", c.value).json(t))
			if err != nil || got.Token != c.want {
				t.Errorf("token of %d bytes, %v", len(got.Token), err)
			}
		})
	}
	got, err := event.DecodeRequested(clearFields().without("Token").json(t))
	if err != nil || got.Token != "" {
		t.Errorf("absent: token %q, %v", got.Token, err)
	}
	_, err = event.DecodeRequested(clearFields().with("Token", 5).with("Code", 5).json(t))
	wantField(t, err, "Code") // the token hides nothing else
}
