package event_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestMasked(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"Id":"ada","Token":"x","Code":"x","Phone":"x","Password":"x","Username":"Ada","Image":"x"}`: `{"Code":"(hidden)","Id":"ada","Image":"(hidden)","Password":"(hidden)","Phone":"(hidden)","Token":"(hidden)","Username":"Ada"}`,
		`{"id":"ada","sealed":{"kid":"x"},"image":{"ref":"x"}}`:                                       `{"id":"ada","image":"(hidden)","sealed":"(hidden)"}`,
		`{"id":"ada","status":false,"code":"x","message":"x","step":"encryptor","of":"s"}`:            `{"code":"(hidden)","id":"ada","message":"(hidden)","of":"s","status":false,"step":"encryptor"}`,
		`{"id":{"x":"x"},"username":["x"],"status":1,"step":null}`:                                    `{"id":"(hidden)","status":"(hidden)","step":"(hidden)","username":"(hidden)"}`,
		`{"Username":"` + strings.Repeat("é", event.MaxID) + `"}`:                                     `{"Username":"` + strings.Repeat("é", event.MaxID) + `"}`,
		`{"Username":"` + strings.Repeat("x", event.MaxID+1) + `"}`:                                   `{"Username":"(hidden)"}`,
		`{"hunter2":"x","PASSWORD":"x","paſſword":"x"}`:                                               `{"(unknown fields)":2,"PASSWORD":"(hidden)"}`,
		`{}`:     `{}`,
		`"x"`:    `3 bytes that are no JSON object: not shown`,
		`null`:   `4 bytes that are no JSON object: not shown`,
		`["x"]`:  `5 bytes that are no JSON object: not shown`,
		`{"x":`:  `5 bytes that are no JSON object: not shown`,
		``:       `0 bytes that are no JSON object: not shown`,
		"x\x00y": `3 bytes that are no JSON object: not shown`,
	} {
		if got := event.Masked([]byte(in)); got != want {
			t.Errorf("Masked(%s):\n%s\nwant\n%s", in, got, want)
		}
	}
}

// Whatever stands in a body, no value of a field that may be a secret is shown,
// and nothing at all of a field that the contract does not know.
func TestMasked_NeverShowsASecret(t *testing.T) {
	t.Parallel()
	const secret = "zQsecretQz"
	secretive := rapid.SampledFrom([]string{
		"Token", "Code", "Phone", "Password", "Sealed", "Image", "EncryptedPhone", "EncryptedPassword", "Message",
		"token", "CODE", "pHone", "PASSWORD", "sealed", "image", "encryptedPhone", "paſſword", "toKen", secret, "x" + secret, "", "Id ", "id\x00",
	})
	rapid.Check(t, func(t *rapid.T) {
		var value func(depth int) any
		value = func(depth int) any {
			kinds := 3
			if depth == 0 {
				kinds = 1
			}
			switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
			case 1:
				return []any{value(depth - 1)}
			case 2:
				return map[string]any{secretive.Draw(t, "inner"): value(depth - 1), "id": secret}
			}
			return rapid.SampledFrom([]any{secret, secret + "\n", "a" + secret, "<" + secret + ">"}).Draw(t, "value")
		}
		body := map[string]any{"Id": "ada", "Username": "Ada"}
		for range rapid.IntRange(0, 6).Draw(t, "fields") {
			body[secretive.Draw(t, "name")] = value(2)
		}
		for _, name := range []string{"id", "username", "status", "step", "of"} { // of another kind than they should be
			if rapid.Bool().Draw(t, name) {
				body[name] = []any{value(1)}
			}
		}
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if cut := rapid.IntRange(0, 3*len(data)).Draw(t, "cut"); cut < len(data) {
			data = data[:cut]
		}
		if got := event.Masked(data); strings.Contains(got, secret) {
			t.Errorf("Masked(%s) = %s", data, got)
		}
	})
}

func FuzzMasked(f *testing.F) {
	f.Add([]byte(`{"Id":"ada","Password":"p"}`))
	f.Add([]byte(`{"id":{"id":1},"Status":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var body map[string]json.RawMessage
		if json.Unmarshal(data, &body) != nil {
			return
		}
		got := event.Masked(data)
		var shown map[string]json.RawMessage
		if body != nil && json.Unmarshal([]byte(got), &shown) != nil {
			t.Fatalf("Masked(%q) = %q", data, got)
		}
		for name, value := range shown {
			switch strings.ToLower(name) {
			case "id", "username", "status", "step", "of", "(unknown fields)":
			default:
				if string(value) != `"(hidden)"` {
					t.Errorf("Masked(%q) shows %s of %q", data, value, name)
				}
			}
		}
	})
}
