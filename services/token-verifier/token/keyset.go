package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// An RSA key's modulus, in bits: shorter ones are weak (RFC 7518, section 3.3), longer ones slow.
const (
	minRSA = 2048
	maxRSA = 8192
)

var (
	errNotKeySet = errors.New("the answer is not a JWK set")
	errNoKeys    = errors.New("the JWK set holds no usable key")
)

// publicKey is one usable key of a set.
type publicKey struct {
	id        string // kid; may be empty
	algorithm string // the only one that it verifies
	key       jwt.VerificationKey
}

// keySet is one fetched set; it never changes. A nil set is empty.
type keySet struct{ keys []publicKey }

func (s *keySet) size() int {
	if s == nil {
		return 0
	}
	return len(s.keys)
}

// fitting returns the keys for a token's header: those of its kid, or, if it names none, all of its algorithm. known says
// whether the set has the kid at all.
func (s *keySet) fitting(h header) (fitting []jwt.VerificationKey, known bool) {
	if s == nil {
		return nil, false
	}
	for _, k := range s.keys {
		if h.keyID != "" && k.id != h.keyID {
			continue
		}
		known = known || h.keyID != ""
		if k.algorithm == h.algorithm {
			fitting = append(fitting, k.key)
		}
	}
	return fitting, known
}

// parseKeySet reads a JWK set. Keys that cannot serve are left out, as RFC 7517, section 5 asks. A set without any
// usable key is returned with errNoKeys: it still says that the earlier keys are gone.
func parseKeySet(data []byte) (*keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(data, &document) != nil || document.Keys == nil {
		return nil, errNotKeySet
	}
	set := &keySet{}
	for _, raw := range document.Keys {
		if key, ok := parseKey(raw); ok {
			set.keys = append(set.keys, key)
		}
	}
	if set.size() == 0 {
		return set, errNoKeys
	}
	return set, nil
}

// parseKey reads one key and says whether it can verify signatures: a public key, meant for that, strong enough, and of
// a kind with an allowed algorithm. Symmetric keys never can, and private parts are not read.
func parseKey(raw json.RawMessage) (publicKey, bool) {
	jwk, err := jwkset.NewJWKFromRawJSON(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return publicKey{}, false
	}
	described := jwk.Marshal()
	algorithm := algorithmOf(jwk.Key())
	switch {
	case algorithm == "",
		described.ALG != "" && described.ALG.String() != algorithm,
		described.USE != "" && described.USE != jwkset.UseSig,
		len(described.KEYOPS) > 0 && !slices.Contains(described.KEYOPS, jwkset.KeyOpsVerify):
		return publicKey{}, false
	}
	return publicKey{id: described.KID, algorithm: algorithm, key: jwk.Key()}, true
}

// algorithmOf returns the one algorithm for a key, or "" for a key that we do not use.
func algorithmOf(key any) string {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits >= minRSA && bits <= maxRSA {
			return "RS256"
		}
	case *ecdsa.PublicKey:
		if key.Curve == elliptic.P256() {
			return "ES256"
		}
	case ed25519.PublicKey:
		return "EdDSA"
	}
	return ""
}
