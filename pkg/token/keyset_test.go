package token_test

import (
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/token"
	"github.com/golang-jwt/jwt/v5"
)

func TestKeySet_HonoursWhatAKeySaysOfItself(t *testing.T) {
	other := eddsaIssuer(t, "other")
	for _, test := range []struct {
		name   string
		issuer issuer
		want   error
	}{
		{"a key without alg, use and key_ops serves", es256Issuer(t, "k"), nil},
		{"a key for signatures serves", es256Issuer(t, "k").with(map[string]any{"use": "sig", "alg": "ES256", "key_ops": []string{"verify"}}), nil},
		{"members that we do not know are ignored", es256Issuer(t, "k").with(map[string]any{"x-note": []int{1}}), nil},
		{"a private key serves by its public half", es256Issuer(t, "k").with(map[string]any{"d": b64(make([]byte, 32))}), nil},
		{"a key for another algorithm is refused", rs256Issuer(t, "k").with(map[string]any{"alg": "PS256"}), token.ErrInvalid},
		{"a key for RS512 is refused", rs256Issuer(t, "k").with(map[string]any{"alg": "RS512"}), token.ErrInvalid},
		{"a key for encryption is refused", rs256Issuer(t, "k").with(map[string]any{"use": "enc"}), token.ErrInvalid},
		{"a key of an unknown use is refused", rs256Issuer(t, "k").with(map[string]any{"use": "tls"}), token.ErrInvalid},
		{"a key for signing only is refused", rs256Issuer(t, "k").with(map[string]any{"key_ops": []string{"sign"}}), token.ErrInvalid},
		{"a key for wrapping is refused", rs256Issuer(t, "k").with(map[string]any{"key_ops": []string{"wrapKey", "unwrapKey"}}), token.ErrInvalid},
		{"an RSA key of 1024 bits is refused", rsaIssuer(t, "k", weakRSA), token.ErrInvalid},
		{"an RSA key with exponent 1 is refused", rs256Issuer(t, "k").with(map[string]any{"e": "AQ"}), token.ErrInvalid},
		{"a P-384 key is refused", ecIssuer(t, "k", "P-384", elliptic.P384(), jwt.SigningMethodES384), token.ErrInvalid},
		{"a point off its curve is refused", es256Issuer(t, "k").with(map[string]any{"y": b64(make([]byte, 32))}), token.ErrInvalid},
		{"an Ed25519 key of the wrong length is refused", eddsaIssuer(t, "k").with(map[string]any{"x": "AAAA"}), token.ErrInvalid},
		{"a kid that is no string is refused", es256Issuer(t, "k").with(map[string]any{"kid": 5}), token.ErrInvalid},
		{"a key without kid does not serve a token that names one", es256Issuer(t, "k").with(map[string]any{"kid": nil}), token.ErrInvalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := openSet(t, other, test.issuer)
			if err := v.Verify(t.Context(), test.issuer.token(t), userID); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err := v.Verify(t.Context(), other.token(t), userID); err != nil {
				t.Errorf("the key beside it: %v", err)
			}
		})
	}
}

// The algorithm confusion attack: what is public about a key serves as an HMAC secret.
func TestKeySet_APublicKeyIsNeverAnHMACSecret(t *testing.T) {
	rs := rs256Issuer(t, "r")
	v := openSet(t, rs)
	der, err := x509.MarshalPKIXPublicKey(&rs.private.(*rsa.PrivateKey).PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(rs.jwk)
	if err != nil {
		t.Fatal(err)
	}
	for name, public := range map[string][]byte{
		"its DER":     der,
		"its PEM":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
		"its JWK":     jwk,
		"its modulus": rs.private.(*rsa.PrivateKey).N.Bytes(),
		"the JWK set": []byte(setOf(t, rs)),
	} {
		t.Run("a token signed with "+name+" is refused", func(t *testing.T) {
			forger := issuer{method: jwt.SigningMethodHS256, private: public, kid: "r"}
			expectInvalid(t, v, forger.token(t), userID)
			expectInvalid(t, v, forger.sign(t, `{"alg":"RS256","kid":"r"}`, goodClaims()), userID)
		})
	}
	t.Run("a symmetric key in the set is not used", func(t *testing.T) {
		oct := hs256Issuer().with(map[string]any{"kty": "oct", "kid": "o", "k": b64(testSecret)})
		oct.kid = "o"
		expectInvalid(t, openSet(t, rs, oct), oct.token(t), userID)
	})
}

func TestKeySet_ATokenCannotBringItsOwnKey(t *testing.T) {
	trusted, forger := es256Issuer(t, "k"), es256Issuer(t, "k")
	v := openSet(t, trusted)
	jwk, err := json.Marshal(forger.jwk)
	if err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"with the kid of another key": forger.header(),
		"without kid":                 `{"alg":"ES256"}`,
		"with kid and jwk":            `{"alg":"ES256","kid":"k","jwk":` + string(jwk) + `}`,
		"with jwk alone":              `{"alg":"ES256","jwk":` + string(jwk) + `}`,
		"with jku":                    `{"alg":"ES256","kid":"k","jku":"https://forger.example/jwks"}`,
		"with a path as kid":          `{"alg":"ES256","kid":"../../../../dev/null"}`,
		"with SQL as kid":             `{"alg":"ES256","kid":"' OR 1=1 --"}`,
		"with a kid of 5 KiB":         `{"alg":"ES256","kid":"` + strings.Repeat("k", 5<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) { expectInvalid(t, v, forger.sign(t, header, goodClaims()), userID) })
	}
	t.Run("with the algorithm of another key", func(t *testing.T) {
		rs := rs256Issuer(t, "r")
		expectInvalid(t, openSet(t, trusted, rs), rs.sign(t, `{"alg":"RS256","kid":"k"}`, goodClaims()), userID)
	})
	t.Run("with an algorithm that is not configured", func(t *testing.T) {
		narrow := open(t, token.Config{JWKSFile: writeSet(t, setOf(t, trusted)), Algorithms: []string{"RS256"}})
		expectInvalid(t, narrow, trusted.token(t), userID)
	})
}
