package token_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

// open starts a verifier that ends with the test.
func open(tb testing.TB, cfg token.Config) *token.Verifier {
	tb.Helper()
	v, err := token.New(tb.Context(), cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(v.Close)
	return v
}

func openSecret(tb testing.TB) *token.Verifier {
	tb.Helper()
	return open(tb, token.Config{HS256Secret: testSecret})
}

// openSet starts a verifier over a file with the public keys of issuers.
func openSet(tb testing.TB, issuers ...issuer) *token.Verifier {
	tb.Helper()
	return open(tb, token.Config{JWKSFile: writeSet(tb, setOf(tb, issuers...))})
}

func writeSet(tb testing.TB, set string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "jwks.json")
	if err := os.WriteFile(path, []byte(set), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func TestVerify_AcceptsGoodTokens(t *testing.T) {
	hs, rs, es, ed := hs256Issuer(), rs256Issuer(t, "r"), es256Issuer(t, "e"), eddsaIssuer(t, "d")
	unnamed := es256Issuer(t, "")
	secret, set := openSecret(t), openSet(t, rs, es, ed, es256Issuer(t, ""), unnamed)
	for _, test := range []struct {
		name     string
		verifier *token.Verifier
		tok      string
	}{
		{"HS256 with the secret", secret, hs.token(t)},
		{"RS256 with its key", set, rs.token(t)},
		{"ES256 with its key", set, es.token(t)},
		{"EdDSA with its key", set, ed.token(t)},
		{"without kid, any key of the algorithm serves", set, unnamed.token(t)},
		{"kid is ignored beside a secret", secret, hs.sign(t, `{"alg":"HS256","kid":"any"}`, goodClaims())},
		{"without typ", secret, hs.sign(t, `{"alg":"HS256"}`, goodClaims())},
		{"exp with a fraction", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d.25`, in(time.Hour)))},
		{"exp in exponent notation", secret, hs.sign(t, hs.header(), claimsWith(`"exp":9.9e9`))},
		{"exp past by less than the leeway", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d`, in(-20*time.Second)))},
		{"nbf ahead by less than the leeway", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d,"nbf":%d`, in(time.Hour), in(20*time.Second)))},
		{"iat ahead by less than the leeway", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d,"iat":%d`, in(time.Hour), in(20*time.Second)))},
		{"claims of other parties, however deep", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d,"roles":%s`, in(time.Hour), nested(500)))},
		{"iss and aud when none is expected", secret, hs.sign(t, hs.header(), claimsWith(`"exp":%d,"iss":"i","aud":["a"]`, in(time.Hour)))},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.verifier.Verify(t.Context(), test.tok, userID); err != nil {
				t.Errorf("got %v, want nil", err)
			}
		})
	}
}

func TestVerify_RefusesHostileClaims(t *testing.T) {
	for name, claims := range map[string]string{
		"expired":                             claimsWith(`"exp":%d`, in(-time.Minute)),
		"exp missing":                         `{"Id":"` + userID + `"}`,
		"exp null":                            claimsWith(`"exp":null`),
		"exp zero":                            claimsWith(`"exp":0`),
		"exp negative":                        claimsWith(`"exp":-%d`, in(time.Hour)),
		"exp as string":                       claimsWith(`"exp":"%d"`, in(time.Hour)),
		"exp as array":                        claimsWith(`"exp":[%d]`, in(time.Hour)),
		"exp true":                            claimsWith(`"exp":true`),
		"exp beyond int64":                    claimsWith(`"exp":99999999999999999999`),
		"exp beyond float64":                  claimsWith(`"exp":1e999`),
		"exp that overflows dates":            claimsWith(`"exp":9e18`),
		"exp of a thousand digits":            claimsWith(`"exp":1%s`, strings.Repeat("0", 1000)),
		"exp in other letter case":            claimsWith(`"EXP":%d`, in(time.Hour)),
		"exp twice":                           claimsWith(`"exp":%d,"exp":%d`, in(time.Hour), in(time.Hour)),
		"exp twice, once escaped":             claimsWith(`"exp":%d,"\u0065xp":%d`, in(-time.Hour), in(time.Hour)),
		"not valid yet":                       claimsWith(`"exp":%d,"nbf":%d`, in(time.Hour), in(time.Minute)),
		"nbf as string":                       claimsWith(`"exp":%d,"nbf":"0"`, in(time.Hour)),
		"nbf null":                            claimsWith(`"exp":%d,"nbf":null`, in(time.Hour)),
		"issued in the future":                claimsWith(`"exp":%d,"iat":%d`, in(time.Hour), in(time.Minute)),
		"iat as object":                       claimsWith(`"exp":%d,"iat":{}`, in(time.Hour)),
		"aud as number":                       claimsWith(`"exp":%d,"aud":5`, in(time.Hour)),
		"iss as array":                        claimsWith(`"exp":%d,"iss":["i"]`, in(time.Hour)),
		"Id of another user":                  fmt.Sprintf(`{"Id":"09120000000","exp":%d}`, in(time.Hour)),
		"Id missing":                          fmt.Sprintf(`{"exp":%d}`, in(time.Hour)),
		"Id in other letter case":             fmt.Sprintf(`{"id":"%s","exp":%d}`, userID, in(time.Hour)),
		"Id as number":                        fmt.Sprintf(`{"Id":9123456789,"exp":%d}`, in(time.Hour)),
		"Id null":                             fmt.Sprintf(`{"Id":null,"exp":%d}`, in(time.Hour)),
		"Id as array":                         fmt.Sprintf(`{"Id":["%s"],"exp":%d}`, userID, in(time.Hour)),
		"Id with a space":                     fmt.Sprintf(`{"Id":"%s ","exp":%d}`, userID, in(time.Hour)),
		"Id with a NUL":                       fmt.Sprintf(`{"Id":"%s\u0000","exp":%d}`, userID, in(time.Hour)),
		"Id twice":                            fmt.Sprintf(`{"Id":"09120000000","Id":"%s","exp":%d}`, userID, in(time.Hour)),
		"not JSON":                            "Id=" + userID,
		"cut off JSON":                        strings.TrimSuffix(goodClaims(), "}"),
		"JSON and something after it":         goodClaims() + "{}",
		"null":                                "null",
		"an array":                            "[" + goodClaims() + "]",
		"a string":                            `"` + userID + `"`,
		"nothing":                             "",
		"text that is not UTF-8":              claimsWith(`"exp":%d,"x":"`+"\xff"+`"`, in(time.Hour)),
		"UTF-16":                              "\xff\xfe{\x00}\x00",
		"deeper than the decoder goes":        nested(3000),
		"a deep claim that is cut off":        claimsWith(`"exp":%d,"x":%s`, in(time.Hour), strings.Repeat("[", 3000)),
		"Id with a literal replacement":       fmt.Sprintf(`{"Id":"%s%s","exp":%d}`, userID, "\uFFFD", in(time.Hour)),
		"a trailing comma":                    claimsWith(`"exp":%d,`, in(time.Hour)),
		"a comment":                           claimsWith(`/**/"exp":%d`, in(time.Hour)),
		"single quotes":                       strings.ReplaceAll(goodClaims(), `"`, `'`),
		"NaN":                                 claimsWith(`"exp":NaN`),
		"a number with a leading zero":        claimsWith(`"exp":0%d`, in(time.Hour)),
		"a hexadecimal number":                claimsWith(`"exp":0xFFFFFFFF`),
		"exp an empty string":                 claimsWith(`"exp":""`),
		"a byte order mark before the claims": "\uFEFF" + goodClaims(),
	} {
		t.Run(name, func(t *testing.T) {
			hs := hs256Issuer()
			expectInvalid(t, openSecret(t), hs.sign(t, hs.header(), claims), userID)
		})
	}
}

func TestVerify_RefusesHostileForms(t *testing.T) {
	hs := hs256Issuer()
	good := hs.token(t)
	parts := strings.Split(good, ".")
	for name, tok := range map[string]string{
		"empty":                            "",
		"white space":                      " \t\n",
		"Bearer before it":                 "Bearer " + good,
		"a space before it":                " " + good,
		"a space after it":                 good + " ",
		"a line feed after it":             good + "\n",
		"a line feed in its signature":     good[:len(good)-4] + "\r\n" + good[len(good)-4:],
		"a NUL after it":                   good + "\x00",
		"one segment":                      parts[0],
		"two segments":                     parts[0] + "." + parts[1],
		"two segments and a dot":           parts[0] + "." + parts[1] + ".",
		"four segments":                    good + ".x",
		"five segments, as if encrypted":   good + ".x.y",
		"only dots":                        "..",
		"ten thousand dots":                strings.Repeat(".", 10000),
		"longer than 8 KiB":                hs.sign(t, hs.header(), claimsWith(`"exp":%d,"pad":"%s"`, in(time.Hour), strings.Repeat("x", 7000))),
		"padding":                          good + "=",
		"standard base64":                  strings.Map(toStandardBase64, hs.sign(t, hs.header(), claimsWith(`"exp":%d,"x":"~~~???~~~"`, in(time.Hour)))),
		"loose bits in the signature":      looseBits(t, good),
		"the signature of other claims":    parts[0] + "." + parts[1] + "." + strings.Split(hs.sign(t, hs.header(), "{}"), ".")[2],
		"claims replaced":                  parts[0] + "." + b64([]byte(claimsWith(`"exp":%d,"admin":true`, in(time.Hour)))) + "." + parts[2],
		"another secret":                   issuer{method: hs.method, private: []byte(strings.Repeat("k", 48))}.token(t),
		"an empty secret":                  issuer{method: hs.method, private: []byte{}}.token(t),
		"JSON serialization instead":       `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"bytes that are not UTF-8":         "\xff\xfe\xfd",
		"letters of other scripts":         "سلام.دنیا.۱۲۳",
		"header that is not base64":        "***." + parts[1] + "." + parts[2],
		"claims in full width letters":     parts[0] + ".ｅｙＪ." + parts[2],
		"a token inside quotation marks":   `"` + good + `"`,
		"the word undefined":               "undefined",
		"the word null":                    "null",
		"two tokens, separated by a comma": good + "," + good,
	} {
		t.Run(name, func(t *testing.T) { expectInvalid(t, openSecret(t), tok, userID) })
	}
}

func toStandardBase64(r rune) rune {
	switch r {
	case '-':
		return '+'
	case '_':
		return '/'
	}
	return r
}

// looseBits returns another spelling of a token's signature, which a lax decoder takes for the same.
func looseBits(tb testing.TB, tok string) string {
	tb.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, tok[len(tok)-1])
	if last%4 != 0 {
		tb.Fatal("a signature of 32 bytes ends with two zero bits")
	}
	return tok[:len(tok)-1] + string(alphabet[last+1])
}

func TestVerify_RefusesHostileHeaders(t *testing.T) {
	for name, header := range map[string]string{
		"alg none":                        `{"alg":"none"}`,
		"alg None":                        `{"alg":"None"}`,
		"alg missing":                     `{"typ":"JWT"}`,
		"alg empty":                       `{"alg":""}`,
		"alg null":                        `{"alg":null}`,
		"alg as array":                    `{"alg":["HS256"]}`,
		"alg in small letters":            `{"alg":"hs256"}`,
		"alg with a space":                `{"alg":"HS256 "}`,
		"alg HS384 with the same secret":  `{"alg":"HS384"}`,
		"alg RS256 beside a secret":       `{"alg":"RS256"}`,
		"alg twice":                       `{"alg":"none","alg":"HS256"}`,
		"Alg beside alg":                  `{"Alg":"HS256"}`,
		"crit":                            `{"alg":"HS256","crit":["exp"],"exp":1}`,
		"crit empty":                      `{"alg":"HS256","crit":[]}`,
		"crit null":                       `{"alg":"HS256","crit":null}`,
		"crit with an unencoded payload":  `{"alg":"HS256","crit":["b64"],"b64":false}`,
		"kid as number":                   `{"alg":"HS256","kid":1}`,
		"kid as object":                   `{"alg":"HS256","kid":{}}`,
		"not JSON":                        `alg=HS256`,
		"an array":                        `["HS256"]`,
		"null":                            `null`,
		"JSON and something after it":     `{"alg":"HS256"} {}`,
		"a key of its own":                `{"alg":"ES256","jwk":{"kty":"EC"}}`,
		"a key at a URL of its own":       `{"alg":"RS256","jku":"http://127.0.0.1:1/jwks"}`,
		"a name twice beside the ones we": `{"alg":"HS256","x":1,"x":2}`,
	} {
		t.Run(name, func(t *testing.T) {
			expectInvalid(t, openSecret(t), hs256Issuer().sign(t, header, goodClaims()), userID)
		})
	}
}

func TestVerify_RefusesUnsignedTokens(t *testing.T) {
	rs := rs256Issuer(t, "r")
	for name, v := range map[string]*token.Verifier{"beside a secret": openSecret(t), "beside public keys": openSet(t, rs)} {
		for _, algorithm := range []string{"none", "None", "NONE", "HS256", "RS256"} {
			t.Run(algorithm+" without signature "+name, func(t *testing.T) {
				tok := b64([]byte(`{"alg":"`+algorithm+`","kid":"r"}`)) + "." + b64([]byte(goodClaims())) + "."
				expectInvalid(t, v, tok, userID)
			})
		}
	}
}

// expectInvalid demands ErrInvalid, and nothing of the token in the error's text.
func expectInvalid(t *testing.T, v *token.Verifier, tok, id string) {
	t.Helper()
	err := v.Verify(t.Context(), tok, id)
	if !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrUnavailable) {
		t.Fatalf("got %v, want ErrInvalid", err)
	}
	for _, segment := range append(strings.Split(tok, "."), id) {
		if len(segment) >= 8 && strings.Contains(err.Error(), segment) {
			t.Errorf("the error repeats the token: %v", err)
		}
	}
}
