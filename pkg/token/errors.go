package token

import (
	"errors"
	"fmt"

	"github.com/golang-jwt/jwt/v5"
)

// ErrInvalid says that the token is at fault. It comes wrapped with the reason, one of a fixed list of phrases: nothing
// of the token's content stands in it.
var ErrInvalid = errors.New("invalid token")

// ErrUnavailable says that the key a token needs cannot be had at present: the key set could not be fetched. It comes
// wrapped with the cause. The caller waits and tries again.
var ErrUnavailable = errors.New("token keys unavailable")

// A ConfigError says which field of a [Config] is wrong, and what to do about it.
type ConfigError struct {
	Setting string // the field's name, for example "JWKSURL"
	Problem string
	Remedy  string
	Err     error // the cause, where there is one
}

// Error names the setting, the problem and the remedy. A secret's value never stands in it.
func (e *ConfigError) Error() string {
	text := e.Setting + ": " + e.Problem
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + "; " + e.Remedy
}

// Unwrap returns the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

// reason is why a token is invalid. Reasons are constants, so that no error can echo a token.
type reason string

// Error is the phrase itself.
func (r reason) Error() string { return string(r) }

const (
	reasonEmpty       reason = "it is empty"
	reasonTooLong     reason = "it is longer than 8 KiB"
	reasonMalformed   reason = "it is malformed"
	reasonDuplicate   reason = "a name stands twice in its header or claims"
	reasonAlgorithm   reason = "its algorithm is not allowed"
	reasonCritical    reason = "its header demands an extension"
	reasonUnknownKey  reason = "its key is unknown"
	reasonSignature   reason = "its signature is wrong"
	reasonClaimType   reason = "a claim has the wrong type"
	reasonDate        reason = "a date is out of range"
	reasonMissing     reason = "it lacks exp, or an iss or aud that is expected"
	reasonExpired     reason = "it has expired"
	reasonNotYet      reason = "it is not valid yet"
	reasonFuture      reason = "it was issued in the future"
	reasonIssuer      reason = "its issuer is another"
	reasonAudience    reason = "its audience is another"
	reasonOtherID     reason = "it is for another Id"
	reasonUnexplained reason = "it cannot be verified"
)

// invalid wraps a reason for the caller.
func invalid(r reason) error { return fmt.Errorf("%w: %w", ErrInvalid, r) }

// unavailable wraps the cause for the caller.
func unavailable(cause error) error { return fmt.Errorf("%w: %w", ErrUnavailable, cause) }

// explanation pairs an error of the library with our reason.
type explanation struct {
	err    error
	reason reason
}

// explanations lists the most telling first: a token that has expired may have other faults too.
func explanations() []explanation {
	return []explanation{
		{jwt.ErrTokenSignatureInvalid, reasonSignature},
		{jwt.ErrTokenExpired, reasonExpired},
		{jwt.ErrTokenNotValidYet, reasonNotYet},
		{jwt.ErrTokenUsedBeforeIssued, reasonFuture},
		{jwt.ErrTokenRequiredClaimMissing, reasonMissing},
		{jwt.ErrTokenInvalidIssuer, reasonIssuer},
		{jwt.ErrTokenInvalidAudience, reasonAudience},
		{jwt.ErrTokenMalformed, reasonMalformed},
	}
}

// explain turns an error of the library, whose text may quote the token, into a reason.
func explain(err error) error {
	var ours reason
	if errors.As(err, &ours) {
		return invalid(ours)
	}
	for _, e := range explanations() {
		if errors.Is(err, e.err) {
			return invalid(e.reason)
		}
	}
	return invalid(reasonUnexplained)
}
