package token

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// secretAlgorithms and publicAlgorithms are what each kind of key allows.
func secretAlgorithms() []string { return []string{"HS256"} }
func publicAlgorithms() []string { return []string{"RS256", "ES256", "EdDSA"} }

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 5 * time.Minute

	// minSecret is in bytes: an HMAC key shorter than the hash weakens it (RFC 7518, section 3.2).
	minSecret = 32
)

// Config names the issuer whose tokens are accepted. Exactly one of HS256Secret, JWKSURL and JWKSFile is required; all
// else has a usable zero value.
type Config struct {
	// HS256Secret is the secret that the issuer signs with, taken byte by byte: at least 32 bytes, and no public key.
	HS256Secret []byte

	// JWKSURL is where the issuer publishes its public keys (a JWK set, RFC 7517). https, unless AllowHTTP.
	JWKSURL string

	// JWKSFile is the path of such a set. It must be readable when the verifier starts; it is read again as a URL is.
	JWKSFile string

	// AllowHTTP permits a JWKSURL in plain http, whose keys anyone on the way can replace: for development only.
	AllowHTTP bool

	// Algorithms narrows what is accepted. Empty: HS256 for the secret; RS256, ES256 and EdDSA for public keys.
	Algorithms []string

	// Issuer, when set, must be the token's iss.
	Issuer string

	// Audience, when set, must be the token's aud or stand in it.
	Audience string

	// Leeway is how far clocks may differ, at exp, nbf and iat: at most 5 minutes, 0 means 30 s.
	Leeway time.Duration

	// OnRefresh, when set, is called after every attempt to fetch the key set with the number of usable keys now held,
	// and with the error if it failed: for logs and metrics. Calls come one after the other, from New and then from the
	// verifier's goroutine, and must not block or call the verifier.
	OnRefresh func(keys int, err error)
}

// validate returns the first fault as a [*ConfigError]; it reads nothing.
func (c Config) validate() error {
	if err := c.checkSource(); err != nil {
		return err
	}
	if err := c.checkAlgorithms(); err != nil {
		return err
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return &ConfigError{Setting: "Leeway", Problem: "is out of range", Remedy: "set 0s (meaning 30s) to 5m"}
	}
	switch {
	case len(c.HS256Secret) > 0:
		return checkSecret(c.HS256Secret)
	case c.JWKSURL != "":
		return checkURL(c.JWKSURL, c.AllowHTTP)
	}
	return nil
}

// checkSource demands exactly one source of keys. Two would let a token choose which one judges it.
func (c Config) checkSource() error {
	var set []string
	for _, source := range []struct {
		name  string
		given bool
	}{
		{"HS256Secret", len(c.HS256Secret) > 0},
		{"JWKSURL", c.JWKSURL != ""},
		{"JWKSFile", c.JWKSFile != ""},
	} {
		if source.given {
			set = append(set, source.name)
		}
	}
	switch len(set) {
	case 1:
		return nil
	case 0:
		return &ConfigError{Setting: "HS256Secret", Problem: "no key to verify tokens with is configured",
			Remedy: "set exactly one of HS256Secret, JWKSURL and JWKSFile"}
	default:
		return &ConfigError{Setting: set[1], Problem: "is set beside " + set[0],
			Remedy: "unset all but one of " + strings.Join(set, ", ")}
	}
}

// algorithms is what is accepted: the configured list, or all that the kind of key allows.
func (c Config) algorithms() []string {
	if len(c.Algorithms) > 0 {
		return slices.Clone(c.Algorithms)
	}
	return c.allowed()
}

func (c Config) allowed() []string {
	if len(c.HS256Secret) > 0 {
		return secretAlgorithms()
	}
	return publicAlgorithms()
}

func (c Config) checkAlgorithms() error {
	for _, algorithm := range c.Algorithms {
		if !slices.Contains(c.allowed(), algorithm) {
			return &ConfigError{Setting: "Algorithms", Problem: fmt.Sprintf("%q cannot be used with the configured key", algorithm),
				Remedy: "leave it empty, or choose from " + strings.Join(c.allowed(), ", ")}
		}
	}
	return nil
}

func checkSecret(secret []byte) error {
	if len(secret) < minSecret {
		return &ConfigError{Setting: "HS256Secret", Problem: fmt.Sprintf("has %d bytes, HS256 needs at least %d", len(secret), minSecret),
			Remedy: "let issuer and verifier share a random one, for example from: openssl rand -base64 48"}
	}
	if isPublicKey(secret) {
		return &ConfigError{Setting: "HS256Secret", Problem: "holds a key pair's key or a certificate, with which anyone could sign",
			Remedy: "set JWKSURL or JWKSFile for public keys"}
	}
	return nil
}

// isPublicKey recognises the usual forms of asymmetric keys. One of them as an HMAC secret is the mistake behind the
// algorithm confusion attack: what is public would be enough to sign.
func isPublicKey(secret []byte) bool {
	text := bytes.TrimSpace(secret)
	for _, prefix := range []string{"-----BEGIN", "ssh-", "ecdsa-sha2-"} {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return true
		}
	}
	var jwk struct {
		Type string            `json:"kty"`
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(text, &jwk) == nil && (jwk.Type != "" || jwk.Keys != nil) {
		return true
	}
	_, keyErr := x509.ParsePKIXPublicKey(secret)
	_, certErr := x509.ParseCertificate(secret)
	return keyErr == nil || certErr == nil
}

func checkURL(text string, allowHTTP bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		// The parse error would repeat the URL, which may carry credentials.
		return &ConfigError{Setting: "JWKSURL", Problem: "is not an http(s) URL", Remedy: "set one like https://issuer.example/.well-known/jwks.json"}
	case u.Scheme == "http" && !allowHTTP:
		return &ConfigError{Setting: "JWKSURL", Problem: "is plain http, so its keys could be replaced on the way",
			Remedy: "use https, or set AllowHTTP in development"}
	}
	return nil
}
