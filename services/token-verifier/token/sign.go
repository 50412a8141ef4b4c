package token

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Sign returns an HS256 token for id that is valid from now for ttl: for development and tests. It carries no iss and no
// aud. A secret that [New] would refuse is an error.
func Sign(secret []byte, id string, ttl time.Duration) (string, error) {
	if err := checkSecret(secret); err != nil {
		return "", err
	}
	now := time.Now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"Id":  id,
		"iat": now.Unix(),
		"exp": now.Add(ttl).Unix(),
	}).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("signing a token: %w", err)
	}
	return signed, nil
}
