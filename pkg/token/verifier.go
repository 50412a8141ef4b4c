package token

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// keyring is where a Verifier's keys come from.
type keyring interface {
	// find returns the keys that may have signed a token with this header, at least one, and the set that they are of;
	// or an error that is the answer of Verify.
	find(ctx context.Context, h header) ([]jwt.VerificationKey, *keySet, error)

	// renew reports whether a set newer than the one seen is held. It fetches one if the keys can have changed and the
	// limits allow it. Its error is ErrUnavailable, wrapped.
	renew(ctx context.Context, seen *keySet) (newer bool, err error)

	// close ends what the keyring runs, and waits for it.
	close()
}

// Verifier verifies the tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	keys       keyring
	algorithms []string
	parser     *jwt.Parser
}

// New makes a verifier. A fault of the configuration, including a JWKSFile that cannot be read, is a [*ConfigError]; a
// JWKSURL that does not answer is none: its keys are fetched in the background, until [Verifier.Close] or until ctx
// ends.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	switch {
	case cfg.JWKSURL != "":
		return newVerifier(cfg, openCache(ctx, newURLSource(cfg.JWKSURL, cfg.AllowHTTP, nil), nil, cfg)), nil
	case cfg.JWKSFile != "":
		source := fileSource(cfg.JWKSFile)
		first, err := loadFile(ctx, source)
		if err != nil {
			return nil, err
		}
		return newVerifier(cfg, openCache(ctx, source, first, cfg)), nil
	default:
		return newVerifier(cfg, secret(slices.Clone(cfg.HS256Secret))), nil
	}
}

func newVerifier(cfg Config, keys keyring) *Verifier {
	leeway := cfg.Leeway
	if leeway == 0 {
		leeway = defaultLeeway
	}
	options := []jwt.ParserOption{
		jwt.WithValidMethods(cfg.algorithms()),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(time.Now),
	}
	if cfg.Issuer != "" {
		options = append(options, jwt.WithIssuer(cfg.Issuer))
	}
	if cfg.Audience != "" {
		options = append(options, jwt.WithAudience(cfg.Audience))
	}
	return &Verifier{keys: keys, algorithms: cfg.algorithms(), parser: jwt.NewParser(options...)}
}

// Close ends the background refresh and waits for it. Verify then answers from the keys it still holds.
func (v *Verifier) Close() { v.keys.close() }

// Verify returns nil when tok is a good token whose Id claim is exactly id. Else it returns [ErrInvalid] or
// [ErrUnavailable], wrapped with the reason; no other error is possible. ctx bounds the wait for keys, and its end is
// ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, tok, id string) error {
	h, err := parseHeader(tok)
	if err != nil {
		return explain(err)
	}
	if !slices.Contains(v.algorithms, h.algorithm) {
		return invalid(reasonAlgorithm)
	}
	owner, err := v.verifySignature(ctx, tok, h)
	if err != nil {
		return err
	}
	if owner == "" || owner != id {
		return invalid(reasonOtherID)
	}
	return nil
}

// verifySignature returns the Id claim of a token that is good in all other respects.
func (v *Verifier) verifySignature(ctx context.Context, tok string, h header) (string, error) {
	for {
		keys, set, err := v.keys.find(ctx, h)
		if err != nil {
			return "", err
		}
		id, err := v.parse(tok, keys)
		if h.keyID != "" || !errors.Is(err, reasonSignature) {
			return id, err
		}
		// A token that names no key may be forged, or signed with a key newer than those it was tried with.
		newer, renewErr := v.keys.renew(ctx, set)
		if renewErr != nil {
			return "", renewErr
		}
		if !newer {
			return "", err
		}
	}
}

func (v *Verifier) parse(tok string, keys []jwt.VerificationKey) (string, error) {
	var c claims
	_, err := v.parser.ParseWithClaims(tok, &c, func(*jwt.Token) (any, error) {
		return jwt.VerificationKeySet{Keys: keys}, nil
	})
	if err != nil {
		return "", explain(err)
	}
	return c.id, nil
}

// secret is the keyring of an HS256 issuer.
type secret []byte

func (s secret) find(context.Context, header) ([]jwt.VerificationKey, *keySet, error) {
	return []jwt.VerificationKey{[]byte(s)}, nil, nil
}

func (s secret) renew(context.Context, *keySet) (bool, error) { return false, nil }

func (s secret) close() {}
