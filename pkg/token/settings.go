package token

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// Settings are the environment variables of every service that verifies tokens.
type Settings struct {
	Secret        string        `env:"JWT_SECRET" secret:"true" help:"HS256 secret shared with the issuer, at least 32 bytes; this, or JWT_JWKS_URL, or JWT_JWKS_FILE"`
	JWKSURL       string        `env:"JWT_JWKS_URL" help:"where the issuer publishes its public keys"`
	JWKSFile      string        `env:"JWT_JWKS_FILE" help:"file with the issuer's public keys"`
	JWKSAllowHTTP bool          `env:"JWT_JWKS_ALLOW_HTTP" help:"accept a JWT_JWKS_URL in plain http, for development"`
	Algorithms    []string      `env:"JWT_ALGORITHMS" help:"narrows the algorithms accepted; default all that the key allows"`
	Issuer        string        `env:"JWT_ISSUER" help:"when set, the token's iss must be this"`
	Audience      string        `env:"JWT_AUDIENCE" help:"when set, the token's aud must hold this"`
	Leeway        time.Duration `env:"JWT_LEEWAY" envDefault:"30s" help:"how far clocks may differ"`
}

// Check fetches the keys once and returns what was found. Its errors name the
// variable.
func (s Settings) Check(ctx context.Context) (string, error) {
	type fetched struct {
		keys int
		err  error
	}
	first := make(chan fetched, 1)
	config := s.config()
	config.OnRefresh = func(keys int, err error) {
		select {
		case first <- fetched{keys, err}:
		default: // a later one
		}
	}
	v, err := New(ctx, config)
	if err != nil {
		return "", rename(err)
	}
	defer v.Close()
	if s.Secret != "" {
		return "HS256 with JWT_SECRET", nil
	}
	source := "JWT_JWKS_URL"
	if s.JWKSFile != "" {
		source = "JWT_JWKS_FILE"
	}
	select {
	case f := <-first:
		if f.err != nil {
			return "", fmt.Errorf("%s: the issuer's keys cannot be had: %w", source, f.err)
		}
		return fmt.Sprintf("%d keys from %s", f.keys, source), nil
	case <-ctx.Done():
		return "", fmt.Errorf("%s: the issuer's keys did not come in time", source)
	}
}

func (s Settings) config() Config {
	return Config{
		HS256Secret: []byte(s.Secret), JWKSURL: s.JWKSURL, JWKSFile: s.JWKSFile, AllowHTTP: s.JWKSAllowHTTP,
		Algorithms: s.Algorithms, Issuer: s.Issuer, Audience: s.Audience, Leeway: s.Leeway,
	}
}

// Verifier returns a verifier as s says, which logs its refreshes. Errors name
// the variable that is wrong.
func (s Settings) Verifier(ctx context.Context, log zerolog.Logger) (*Verifier, error) {
	config := s.config()
	config.OnRefresh = func(keys int, err error) {
		if err != nil {
			log.Warn().Err(err).Int("keys", keys).Msg("cannot refresh the key set")
			return
		}
		log.Info().Int("keys", keys).Msg("key set refreshed")
	}
	v, err := New(ctx, config)
	if err != nil {
		return nil, rename(err)
	}
	return v, nil
}

// rename tells a wrong configuration in the operator's words: by variable.
func rename(err error) error {
	wrong, ok := errors.AsType[*ConfigError](err)
	if !ok {
		return err
	}
	return errors.New(strings.NewReplacer(
		"HS256Secret", "JWT_SECRET", "JWKSURL", "JWT_JWKS_URL", "JWKSFile", "JWT_JWKS_FILE",
		"AllowHTTP", "JWT_JWKS_ALLOW_HTTP", "Algorithms", "JWT_ALGORITHMS", "Leeway", "JWT_LEEWAY",
	).Replace(wrong.Error()))
}
