package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

// material is the secret part of a key's text.
func material(text string) string { return text[strings.Index(text, ":")+1:] }

func TestKeys_SurviveTheirTextForm(t *testing.T) {
	key := newKey(t, "2026-01_a")
	text := keyText(t, key)
	read := parsed(t, text)
	if len(read) != 1 || read[0].ID != key.ID || keyText(t, read[0]) != text {
		t.Errorf("private key %s is read back as %v", key.ID, read)
	}
	public, err := event.ParsePublicKey(key.Public().String())
	if err != nil || public.ID != key.ID || public.String() != key.Public().String() {
		t.Errorf("public key %s is read back as %s, %v", key.Public(), public, err)
	}
	sealed := seal(t, event.NewSealer(public), event.Credentials{Phone: "1", Password: "2"})
	if _, err := event.NewOpener(read...).Open(sealed); err != nil {
		t.Errorf("what was sealed to the read public key, opened with the read private key: %v", err)
	}
}

func TestPublicKey_IsThatOfItsPrivateKey(t *testing.T) {
	// The key pair of RFC 7748 §6.1, Alice's.
	const private = "alice:dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo"
	const public = "alice:hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"
	if got := parsed(t, private)[0].Public().String(); got != public {
		t.Errorf("got %s, want %s", got, public)
	}
}

func TestParsePrivateKeys_ReadsSeveralInOrder(t *testing.T) {
	a, b := newKey(t, "a"), newKey(t, "b")
	keys := parsed(t, " "+keyText(t, a)+" ,\n"+keyText(t, b)+"\n")
	if len(keys) != 2 || keys[0].ID != "a" || keys[1].ID != "b" {
		t.Errorf("got %v", keys)
	}
}

func TestParsePublicKey_AllowsWhiteSpaceAround(t *testing.T) {
	public := newKey(t, "a").Public().String()
	if got, err := event.ParsePublicKey(" " + public + " \n"); err != nil || got.String() != public {
		t.Errorf("got %v", err)
	}
}

func TestParseKeys_MalformedTextIsRefusedWithoutEchoingIt(t *testing.T) {
	text := keyText(t, newKey(t, "a"))
	secret := material(text)
	for name, malformed := range map[string]string{
		"nothing":                 "",
		"white space":             " \n",
		"no id":                   secret,
		"an empty id":             ":" + secret,
		"an id with a space":      "a b:" + secret,
		"an id too long":          strings.Repeat("a", 33) + ":" + secret,
		"the parts swapped":       secret + ":a",
		"another separator":       "a=" + secret,
		"cut off":                 text[:len(text)-3],
		"a byte more":             "a:" + secret + "AA",
		"the wrong base64":        "a:" + "+/" + secret[2:],
		"padding":                 text + "=",
		"a space inside":          text[:20] + " " + text[20:],
		"a second separator":      "a:b:" + secret,
		"no key after the colon":  "a:",
		"a comma behind":          text + ",",
		"a comma before":          "," + text,
		"one id twice":            text + ",a:" + material(keyText(t, newKey(t, "b"))),
		"the second one cut off":  text + ",b:" + secret[:20],
		"the second one no key":   text + "," + secret,
		"separated by semicolons": text + ";b:" + secret,
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := event.ParsePrivateKeys(malformed)
			if err == nil || keys != nil {
				t.Fatalf("it is accepted: %v", keys)
			}
			for i := 0; i+8 <= len(secret); i += 4 {
				if strings.Contains(err.Error(), secret[i:i+8]) {
					t.Errorf("error %q holds key material", err)
				}
			}
			if _, err := event.ParsePublicKey(malformed); err == nil {
				t.Error("it is accepted as a public key")
			}
		})
	}
}

func TestKeyID_IsOneTokenOfAtMost32Characters(t *testing.T) {
	for id, ok := range map[string]bool{
		"a": true, "2026-01_A": true, strings.Repeat("a", 32): true,
		"": false, strings.Repeat("a", 33): false, "a b": false, "a:b": false, "a,b": false, "ü": false, "a.b": false, "a\n": false,
	} {
		if got := event.ValidKeyID(id); got != ok {
			t.Errorf("ValidKeyID(%q) is %v", id, got)
		}
		if _, err := event.GenerateKey(id); (err == nil) != ok {
			t.Errorf("GenerateKey(%q): %v", id, err)
		}
	}
}

func TestGenerateKey_MakesAnotherEachTime(t *testing.T) {
	one, two := newKey(t, "a"), newKey(t, "a")
	if keyText(t, one) == keyText(t, two) {
		t.Error("two keys are the same")
	}
}

// holders returns values that hold the key in every way that a program may.
func holders(k event.PrivateKey) map[string]any {
	type exported struct{ K event.PrivateKey }
	type hidden struct{ k event.PrivateKey }
	type embedded struct{ event.PrivateKey }
	return map[string]any{
		"itself": k, "pointer": &k, "slice": []event.PrivateKey{k}, "pointers": []*event.PrivateKey{&k},
		"map": map[string]event.PrivateKey{"k": k}, "interface": []any{k}, "exported field": exported{k},
		"hidden field": hidden{k}, "embedded": embedded{k}, "pointer to hidden": &hidden{k}, "deep": [][]any{{&exported{k}}},
		"opener": event.NewOpener(k), "opener by value": struct{ O *event.Opener }{event.NewOpener(k)}, "error": fmt.Errorf("with %v", k),
	}
}

func TestPrivateKey_NoWayOfPrintingShowsIt(t *testing.T) {
	key := newKey(t, "a")
	secret := material(keyText(t, key))
	for name, value := range holders(key) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U", "%t", "%T"} {
			if text := fmt.Sprintf(verb, value); leaks(text, secret) {
				t.Errorf("%s printed with %s: %s", name, verb, text)
			}
		}
		if data, err := json.Marshal(value); err == nil && leaks(string(data), secret) {
			t.Errorf("%s in JSON: %s", name, data)
		}
	}
	if got, want := fmt.Sprintf("%v %+v", key, struct{ K event.PrivateKey }{key}), "private key a {K:private key a}"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// leaks reports whether text shows the key whose base64url form is secret, in
// that form or as numbers or hex.
func leaks(text, secret string) bool {
	raw := decodeKey(secret)
	words := strings.Trim(fmt.Sprintf("%d", raw[4:8]), "[]")
	return strings.Contains(text, secret[8:16]) || strings.Contains(text, words) ||
		strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", raw[4:8])) || strings.Contains(text, string(raw[4:8])) ||
		strings.Contains(text, fmt.Sprintf("%#x", raw[4])+", "+fmt.Sprintf("%#x", raw[5]))
}

func TestLeaks_SeesAKeyThatIsPrinted(t *testing.T) {
	secret := material(keyText(t, newKey(t, "a")))
	raw := decodeKey(secret)
	for _, text := range []string{secret, fmt.Sprintf("%d", raw), fmt.Sprintf("%x", raw), fmt.Sprintf("%X", raw), string(raw), fmt.Sprintf("%#v", raw)} {
		if !leaks("a "+text+" b", secret) {
			t.Errorf("%q is not seen", text)
		}
	}
}

func TestCredentials_PrintingShowsNothing(t *testing.T) {
	c := event.Credentials{Phone: "+4915112345678", Password: "correct horse"}
	r := event.Requested{ID: "i", Token: "correct horse", Code: "correct horse", Phone: c.Phone, Password: c.Password}
	for _, value := range []any{c, &c, []event.Credentials{c}, struct{ C event.Credentials }{c}, r, &r, struct{ R event.Requested }{r}} {
		for _, verb := range []string{"%v", "%+v", "%s", "%q", "%x"} {
			text := fmt.Sprintf(verb, value)
			if strings.Contains(text, c.Phone) || strings.Contains(text, c.Password) || strings.Contains(text, fmt.Sprintf("%x", c.Password)) {
				t.Errorf("%T printed with %s: %s", value, verb, text)
			}
		}
	}
}

// A private key is printed in the form of RFC 9180 §7.1.2, which fixes some of
// its bits; read again, it is the same key.
func TestPrivateKey_PrintedAndReadAgainIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-Za-z0-9_-]{1,32}`).Draw(t, "id")
		keys, err := event.ParsePrivateKeys(id + ":" + encodeKey(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")))
		if err != nil {
			t.Fatal(err)
		}
		printed, err := keys[0].Text()
		if err != nil {
			t.Fatal(err)
		}
		again, err := event.ParsePrivateKeys(printed)
		if err != nil || again[0].Public().String() != keys[0].Public().String() || again[0].ID != id {
			t.Errorf("%s is read as another key: %v", printed, err)
		}
	})
}
