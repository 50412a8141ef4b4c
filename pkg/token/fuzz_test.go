package token_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/token"
	"pgregory.net/rapid"
)

// FuzzVerify gives Verify any bytes. It must not panic, must answer with one of its kinds, and accept nothing that the
// secret did not sign, which is computed here without the library.
func FuzzVerify(f *testing.F) {
	hs := hs256Issuer()
	for _, claims := range []string{goodClaims(), "{}", "null", nested(100), claimsWith(`"exp":1e999`), claimsWith(`"exp":%d,"exp":1`, in(time.Hour))} {
		for _, header := range []string{hs.header(), `{"alg":"none"}`, `{"alg":"HS256","crit":[]}`, "[]"} {
			f.Add(hs.sign(f, header, claims), userID)
		}
	}
	f.Add("..", "")
	f.Add("Bearer "+hs.token(f), userID)
	v := openSecret(f)
	f.Fuzz(func(t *testing.T, tok, id string) {
		err := v.Verify(t.Context(), tok, id)
		switch {
		case err == nil && !signedByUs(tok):
			t.Errorf("a token that we did not sign is accepted")
		case err != nil && !errors.Is(err, token.ErrInvalid):
			t.Errorf("got %v, want nil or ErrInvalid", err)
		}
	})
}

// FuzzVerifyClaims signs any header and claims: what is accepted must say so in plain JSON too.
func FuzzVerifyClaims(f *testing.F) {
	hs := hs256Issuer()
	for _, claims := range []string{goodClaims(), claimsWith(`"exp":%d,"nbf":1,"iat":1,"aud":[]`, in(time.Hour)), "{", `{"Id":1}`} {
		f.Add([]byte(hs.header()), []byte(claims))
	}
	v := openSecret(f)
	f.Fuzz(func(t *testing.T, header, claims []byte) {
		tok := hs.sign(t, string(header), string(claims))
		err := v.Verify(t.Context(), tok, userID)
		if err != nil {
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("got %v, want nil or ErrInvalid", err)
			}
			return
		}
		var said struct {
			Alg string `json:"alg"`
		}
		var of map[string]any
		if json.Unmarshal(header, &said) != nil || json.Unmarshal(claims, &of) != nil || of["Id"] != userID {
			t.Errorf("accepted: header %q, claims %q", header, claims)
		}
		if exp, isNumber := of["exp"].(float64); !isNumber || exp < float64(in(-time.Minute)) {
			t.Errorf("accepted: exp %v", of["exp"])
		}
	})
}

// FuzzKeySet gives the parser any bytes as a key set: it must not panic, and no token that the true key did not sign is
// accepted whatever stands beside that key.
func FuzzKeySet(f *testing.F) {
	es := es256Issuer(f, "k")
	for _, set := range []string{setOf(f, es), setOf(f, rs256Issuer(f, "r"), eddsaIssuer(f, "d")), `{"keys":[{}]}`, `{"keys":null}`, "[]"} {
		f.Add([]byte(set))
	}
	tok := es.sign(f, es.header(), claimsWith(`"exp":%d`, in(1000*time.Hour)))
	f.Fuzz(func(t *testing.T, set []byte) {
		v := token.NewOver(t.Context(), token.Config{JWKSURL: "https://issuer.example"}, answer(set))
		defer v.Close()
		err := v.Verify(t.Context(), tok, userID)
		if err == nil && !bytes.Contains(set, []byte(es.jwk["x"].(string))) {
			t.Errorf("a token is accepted without its key")
		}
		if err != nil && !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrUnavailable) {
			t.Errorf("got %v, want one of the kinds", err)
		}
	})
}

// answer is an endpoint that always answers the same.
type answer []byte

func (a answer) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(a)), Request: request}, nil
}

func signedByUs(tok string) bool {
	end := strings.LastIndexByte(tok, '.')
	if end < 0 {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(tok[end+1:])
	mac := hmac.New(sha256.New, testSecret)
	mac.Write([]byte(tok[:end])) // never fails, see hash.Hash
	return err == nil && hmac.Equal(signature, mac.Sum(nil))
}

func TestVerify_AnyChangeOfATokenIsRefused(t *testing.T) {
	signers := map[string]issuer{"HS256": hs256Issuer(), "RS256": rs256Issuer(t, "r"), "ES256": es256Issuer(t, "e"), "EdDSA": eddsaIssuer(t, "d")}
	set := openSet(t, signers["RS256"], signers["ES256"], signers["EdDSA"])
	verifiers := map[string]*token.Verifier{"HS256": openSecret(t), "RS256": set, "ES256": set, "EdDSA": set}
	for algorithm, signer := range signers {
		t.Run(algorithm, func(t *testing.T) {
			good := signer.token(t)
			rapid.Check(t, func(t *rapid.T) {
				at := rapid.IntRange(0, len(good)).Draw(t, "at")
				cut := rapid.IntRange(0, min(3, len(good)-at)).Draw(t, "cut")
				put := rapid.StringOfN(rapid.RuneFrom([]rune("Aa0-_.=\n é")), 0, 3, -1).Draw(t, "put")
				tok := good[:at] + put + good[at+cut:]
				err := verifiers[algorithm].Verify(t.Context(), tok, userID)
				if tok == good && err != nil {
					t.Fatalf("the unchanged token: %v", err)
				}
				if tok != good && !errors.Is(err, token.ErrInvalid) {
					t.Fatalf("got %v for a changed token, want ErrInvalid", err)
				}
			})
		})
	}
}

func TestVerify_ATokenIsForItsIDAlone(t *testing.T) {
	v := openSecret(t)
	rapid.Check(t, func(t *rapid.T) {
		owner := rapid.StringN(1, 50, -1).Draw(t, "owner")
		other := rapid.String().Draw(t, "other")
		tok, err := token.Sign(testSecret, owner, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if err := v.Verify(t.Context(), tok, owner); err != nil && !strings.ContainsRune(owner, '\uFFFD') {
			t.Fatalf("its owner: %v", err)
		}
		if other != owner && v.Verify(t.Context(), tok, other) == nil {
			t.Fatal("another Id is accepted")
		}
	})
}

func TestVerify_SaysWhy(t *testing.T) {
	hs := hs256Issuer()
	v := open(t, token.Config{HS256Secret: testSecret, Issuer: "i", Audience: "a"})
	const rest = `"iss":"i","aud":"a"`
	for reason, tok := range map[string]string{
		"it is empty":               "",
		"it is longer than 8 KiB":   strings.Repeat("x", 8<<10+1),
		"it is malformed":           "x",
		"a name stands twice":       hs.sign(t, `{"alg":"HS256","alg":"HS256"}`, goodClaims()),
		"its algorithm":             hs.sign(t, `{"alg":"none"}`, goodClaims()),
		"its header demands":        hs.sign(t, `{"alg":"HS256","crit":["x"]}`, goodClaims()),
		"its signature is wrong":    hs.token(t) + "AAAA",
		"a claim has the wrong":     hs.sign(t, hs.header(), claimsWith(`"exp":"1"`)),
		"a date is out of range":    hs.sign(t, hs.header(), claimsWith(`"exp":1e18`)),
		"it lacks exp":              hs.sign(t, hs.header(), claimsWith(rest)),
		"it has expired":            hs.sign(t, hs.header(), claimsWith(`"exp":1`)),
		"it is not valid yet":       hs.sign(t, hs.header(), claimsWith(`"exp":9e9,"nbf":9e9,%s`, rest)),
		"it was issued in the":      hs.sign(t, hs.header(), claimsWith(`"exp":9e9,"iat":9e9,%s`, rest)),
		"its issuer is another":     hs.sign(t, hs.header(), claimsWith(`"exp":9e9,"iss":"j","aud":"a"`)),
		"its audience is another":   hs.sign(t, hs.header(), claimsWith(`"exp":9e9,"iss":"i","aud":"b"`)),
		"it is for another Id":      hs.sign(t, hs.header(), fmt.Sprintf(`{"Id":"x","exp":9e9,%s}`, rest)),
		"invalid token: it is for ": hs.sign(t, hs.header(), fmt.Sprintf(`{"exp":9e9,%s}`, rest)),
	} {
		t.Run(reason, func(t *testing.T) {
			if err := v.Verify(t.Context(), tok, userID); err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("got %v, want %q in it", err, reason)
			}
		})
	}
	t.Run("its key is unknown", func(t *testing.T) {
		err := openSet(t, es256Issuer(t, "1")).Verify(t.Context(), es256Issuer(t, "2").token(t), userID)
		if err == nil || !strings.Contains(err.Error(), "its key is unknown") {
			t.Errorf("got %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	signers := map[string]issuer{"HS256": hs256Issuer(), "RS256": rs256Issuer(b, "r"), "ES256": es256Issuer(b, "e"), "EdDSA": eddsaIssuer(b, "d")}
	set := openSet(b, signers["RS256"], signers["ES256"], signers["EdDSA"])
	verifiers := map[string]*token.Verifier{"HS256": openSecret(b), "RS256": set, "ES256": set, "EdDSA": set}
	for _, algorithm := range []string{"HS256", "RS256", "ES256", "EdDSA"} {
		b.Run(algorithm, func(b *testing.B) {
			tok := signers[algorithm].token(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := verifiers[algorithm].Verify(b.Context(), tok, userID); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
