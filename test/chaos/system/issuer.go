package system

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const keyID = "chaos"

// Issuer signs the users' tokens with RS256.
type Issuer struct{ key *rsa.PrivateKey }

// NewIssuer returns an issuer with a new key.
func NewIssuer() (*Issuer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the issuer's key: %w", err)
	}
	return &Issuer{key: key}, nil
}

// Token returns a token for id that is valid from now for ttl.
func (i *Issuer) Token(id string, ttl time.Duration) (string, error) {
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"Id": id, "iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(ttl).Unix()})
	token.Header["kid"] = keyID
	signed, err := token.SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return signed, nil
}

// keySet returns the public half as a JWK set.
func (i *Issuer) keySet() []byte {
	encode := base64.RawURLEncoding.EncodeToString
	set, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": encode(i.key.N.Bytes()), "e": encode(big.NewInt(int64(i.key.E)).Bytes()),
	}}})
	if err != nil {
		return nil // strings alone: it cannot fail
	}
	return set
}
