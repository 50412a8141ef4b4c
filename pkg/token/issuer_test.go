package token_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const userID = "09123456789"

var testSecret = []byte("a secret that is used in tests only, 48 bytes...")

// issuer signs tokens with one key, from raw JSON, so that a test can put anything into them.
type issuer struct {
	method  jwt.SigningMethod
	private any
	kid     string
	jwk     map[string]any // the public half, as it stands in a JWK set; nil for HS256
}

func hs256Issuer() issuer { return issuer{method: jwt.SigningMethodHS256, private: testSecret} }

// The RSA key is slow to make, so all tests share one per kind.
var (
	sharedRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
	weakRSA   = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 1024) })
)

func rs256Issuer(tb testing.TB, kid string) issuer {
	tb.Helper()
	return rsaIssuer(tb, kid, sharedRSA)
}

func rsaIssuer(tb testing.TB, kid string, generate func() (*rsa.PrivateKey, error)) issuer {
	tb.Helper()
	key, err := generate()
	if err != nil {
		tb.Fatal(err)
	}
	return issuer{jwt.SigningMethodRS256, key, kid, map[string]any{
		"kty": "RSA", "kid": kid, "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
	}}
}

func es256Issuer(tb testing.TB, kid string) issuer {
	tb.Helper()
	return ecIssuer(tb, kid, "P-256", elliptic.P256(), jwt.SigningMethodES256)
}

func ecIssuer(tb testing.TB, kid, name string, curve elliptic.Curve, method jwt.SigningMethod) issuer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	half := (len(point) - 1) / 2
	return issuer{method, key, kid, map[string]any{
		"kty": "EC", "crv": name, "kid": kid, "x": b64(point[1 : 1+half]), "y": b64(point[1+half:]),
	}}
}

func eddsaIssuer(tb testing.TB, kid string) issuer {
	tb.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return issuer{jwt.SigningMethodEdDSA, private, kid, map[string]any{
		"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": b64(public),
	}}
}

// with returns the issuer with changed members of its JWK; a nil value removes one.
func (i issuer) with(members map[string]any) issuer {
	changed := map[string]any{}
	for _, from := range []map[string]any{i.jwk, members} {
		for name, value := range from {
			changed[name] = value
			if value == nil {
				delete(changed, name)
			}
		}
	}
	i.jwk = changed
	return i
}

// header is the usual one.
func (i issuer) header() string {
	if i.kid == "" {
		return fmt.Sprintf(`{"alg":%q,"typ":"JWT"}`, i.method.Alg())
	}
	return fmt.Sprintf(`{"alg":%q,"typ":"JWT","kid":%q}`, i.method.Alg(), i.kid)
}

// token signs the usual claims for userID.
func (i issuer) token(tb testing.TB) string {
	tb.Helper()
	return i.sign(tb, i.header(), goodClaims())
}

// sign signs any header and claims, whatever they say.
func (i issuer) sign(tb testing.TB, header, claims string) string {
	tb.Helper()
	text := b64([]byte(header)) + "." + b64([]byte(claims))
	signature, err := i.method.Sign(text, i.private)
	if err != nil {
		tb.Fatal(err)
	}
	return text + "." + b64(signature)
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// goodClaims are valid for an hour.
func goodClaims() string {
	return claimsWith(`"exp":%d`, in(time.Hour))
}

// claimsWith are the Id claim and others.
func claimsWith(format string, args ...any) string {
	return `{"Id":"` + userID + `",` + fmt.Sprintf(format, args...) + `}`
}

// in is the NumericDate at this distance from now.
func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// setOf is the JWK set with the public keys of issuers.
func setOf(tb testing.TB, issuers ...issuer) string {
	tb.Helper()
	keys := make([]map[string]any, 0, len(issuers))
	for _, i := range issuers {
		keys = append(keys, i.jwk)
	}
	data, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}

// nested is a JSON array of this depth.
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
