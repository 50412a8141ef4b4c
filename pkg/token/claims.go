package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
)

// maxToken is in bytes.
const maxToken = 8 << 10

// maxDate is the last second of the year 9999: later ones overflow what dates are computed with.
const maxDate = 253402300799

// header is what of a token's header decides how it is verified.
type header struct {
	algorithm string
	keyID     string // kid; empty when the token names no key
}

// parseHeader checks the form of the whole token and reads its header. Errors are reasons.
func parseHeader(tok string) (header, error) {
	switch {
	case tok == "":
		return header{}, reasonEmpty
	case len(tok) > maxToken:
		return header{}, reasonTooLong
	case strings.ContainsAny(tok, "\r\n"):
		// The decoder of base64 would skip them.
		return header{}, reasonMalformed
	}
	segment, _, found := strings.Cut(tok, ".")
	if !found {
		return header{}, reasonMalformed
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return header{}, reasonMalformed
	}
	members, err := object(data)
	if err != nil {
		return header{}, err
	}
	// An extension that must be understood (RFC 7515, section 4.1.11); we understand none.
	if _, found := members["crit"]; found {
		return header{}, reasonCritical
	}
	var h header
	if err := members.text("alg", &h.algorithm); err != nil {
		return header{}, err
	}
	return h, members.text("kid", &h.keyID)
}

// claims are those that we judge. Unlike the library's, they are refused when a name stands twice, when a
// date is not a sensible number, and when letter case differs.
type claims struct {
	exp, nbf, iat *jwt.NumericDate
	iss           string
	aud           jwt.ClaimStrings
	id            string
}

// UnmarshalJSON reads a claims set; its errors are reasons.
func (c *claims) UnmarshalJSON(data []byte) error {
	members, err := object(data)
	if err != nil {
		return err
	}
	for name, date := range map[string]**jwt.NumericDate{"exp": &c.exp, "nbf": &c.nbf, "iat": &c.iat} {
		if err := members.date(name, date); err != nil {
			return err
		}
	}
	if err := members.text("iss", &c.iss); err != nil {
		return err
	}
	if err := members.text("Id", &c.id); err != nil {
		return err
	}
	if raw, found := members["aud"]; found && json.Unmarshal(raw, &c.aud) != nil {
		return reasonClaimType
	}
	return nil
}

// The methods of jwt.Claims, through which the library judges the dates, the issuer and the audience.

func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.exp, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.nbf, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return c.iat, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.iss, nil }
func (c *claims) GetSubject() (string, error)                  { return "", nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.aud, nil }

// members are those of one JSON object, by their exact names.
type members map[string]json.RawMessage

// object reads one JSON object and nothing after it. A name that stands twice is refused, because two readers could
// each believe another one of them (RFC 7519, section 4).
func object(data []byte) (members, error) {
	if !utf8.Valid(data) {
		return nil, reasonMalformed
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, reasonMalformed
	}
	all := make(members, 8)
	for decoder.More() {
		token, err := decoder.Token()
		name, isText := token.(string)
		if err != nil || !isText {
			return nil, reasonMalformed
		}
		if _, twice := all[name]; twice {
			return nil, reasonDuplicate
		}
		var value json.RawMessage
		if decoder.Decode(&value) != nil {
			return nil, reasonMalformed
		}
		all[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, reasonMalformed
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, reasonMalformed
	}
	return all, nil
}

// text reads a string; absent, it stays as it is. The replacement character is refused: JSON's decoder puts it for
// every broken surrogate, so different texts would become the same.
func (m members) text(name string, into *string) error {
	raw, found := m[name]
	if !found {
		return nil
	}
	if raw[0] != '"' || json.Unmarshal(raw, into) != nil || strings.ContainsRune(*into, utf8.RuneError) {
		return reasonClaimType
	}
	return nil
}

// date reads a NumericDate (RFC 7519, section 2): seconds, possibly with a fraction. Absent, it stays nil.
func (m members) date(name string, into **jwt.NumericDate) error {
	raw, found := m[name]
	if !found {
		return nil
	}
	if raw[0] != '-' && (raw[0] < '0' || raw[0] > '9') {
		return reasonClaimType
	}
	seconds, err := json.Number(raw).Float64()
	if err != nil || seconds < 0 || seconds > maxDate {
		return reasonDate
	}
	*into = &jwt.NumericDate{Time: time.UnixMilli(int64(seconds * 1000))}
	return nil
}
