package event

import (
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// PublicKey is what publishers and the token-verifier seal to. Its text form
// is "<id>:<base64url of the X25519 public key>".
type PublicKey struct {
	ID  string
	key hpke.PublicKey
}

// PrivateKey opens what was sealed to its public half. Only the encryptor has
// one, and operators the one for dead letters. Its text form is like that of
// the public key; it does not print itself.
type PrivateKey struct {
	ID  string
	key hpke.PrivateKey
}

// keyText is how the key itself is written.
func keyText() *base64.Encoding { return base64.RawURLEncoding }

// ValidKeyID reports whether s can name a key: 1 to 32 characters of A-Za-z0-9_-.
func ValidKeyID(s string) bool { return len(s) <= 32 && ValidSagaID(s) }

// GenerateKey makes a key pair with the given id.
func GenerateKey(id string) (PrivateKey, error) {
	if !ValidKeyID(id) {
		return PrivateKey{}, errors.New("key id: want 1 to 32 characters of A-Za-z0-9_-")
	}
	key, err := kem().GenerateKey()
	if err != nil {
		return PrivateKey{}, fmt.Errorf("generate key %s: %w", id, err)
	}
	return PrivateKey{ID: id, key: key}, nil
}

// Public returns the public half of k.
func (k PrivateKey) Public() PublicKey { return PublicKey{ID: k.ID, key: k.key.PublicKey()} }

// Text returns the form that [ParsePrivateKey] reads. It is a secret.
func (k PrivateKey) Text() (string, error) {
	b, err := k.key.Bytes()
	if err != nil {
		return "", fmt.Errorf("serialise key %s: %w", k.ID, err)
	}
	return k.ID + ":" + keyText().EncodeToString(b), nil
}

// String returns the key's id alone, so that no log holds the secret.
func (k PrivateKey) String() string { return "private key " + k.ID }

// String returns the form that [ParsePublicKey] reads.
func (k PublicKey) String() string { return k.ID + ":" + keyText().EncodeToString(k.key.Bytes()) }

// ParsePublicKey reads "<id>:<base64url>".
func ParsePublicKey(s string) (PublicKey, error) {
	id, raw, err := parseKey(s)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key: %w", err)
	}
	key, err := kem().NewPublicKey(raw)
	if err != nil {
		return PublicKey{}, fmt.Errorf("public key %s: not an X25519 key", id)
	}
	return PublicKey{ID: id, key: key}, nil
}

// ParsePrivateKeys reads private keys separated by commas, the current one
// first, no two with one id. Its errors hold no key material.
func ParsePrivateKeys(s string) ([]PrivateKey, error) {
	var keys []PrivateKey
	for one := range strings.SplitSeq(s, ",") {
		id, raw, err := parseKey(one)
		if err != nil {
			return nil, fmt.Errorf("private key %d: %w", len(keys)+1, err)
		}
		if slices.ContainsFunc(keys, func(k PrivateKey) bool { return k.ID == id }) {
			return nil, fmt.Errorf("private key %d: there is another with the id %s", len(keys)+1, id)
		}
		key, err := kem().NewPrivateKey(raw)
		if err != nil {
			return nil, fmt.Errorf("private key %s: not an X25519 key", id)
		}
		keys = append(keys, PrivateKey{ID: id, key: key})
	}
	return keys, nil
}

func parseKey(s string) (string, []byte, error) {
	id, text, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok || !ValidKeyID(id) {
		return "", nil, errors.New(`want "<id>:<base64url>" as createuser keygen prints it`)
	}
	raw, err := keyText().DecodeString(text)
	if err != nil {
		return "", nil, fmt.Errorf("key %s: not base64url", id)
	}
	return id, raw, nil
}
