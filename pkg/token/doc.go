// Package token verifies the JSON Web Token of a registration, locally and by the rules of RFC 8725.
//
// A [Verifier] holds the keys of one issuer: one HS256 secret, or the public keys of a JWK set read from a URL or a
// file. It never asks the issuer about a token. [Verifier.Verify] answers with one of three kinds:
//
//   - nil: the token is good, and it is for the given Id;
//   - [ErrInvalid]: the token is at fault, and trying again cannot help;
//   - [ErrUnavailable]: the key that the token names is not at hand and cannot be had now. Wait and try again: an
//     outage is not the user's fault.
//
// # What is refused
//
// Whatever is not a compact JWS of at most 8 KiB in strict base64url, so also a "Bearer " prefix and white space around
// the token, which the service that this one replaces refused too; any algorithm but those that the kind of key
// allows (HS256 for the secret; RS256, ES256 and EdDSA for public keys; so never "none", and never an HMAC keyed with
// a public key); a "crit" header; a duplicate name in the header or among the claims; text that is not UTF-8; a token
// without exp, past it, before nbf, or issued in the future, each with the leeway; another issuer or audience than
// those configured; an Id claim that is not the very string given. Keys named or carried by the token itself (jku, jwk,
// x5u, x5c) are never looked at.
//
// # Twice, at once, and on a crash
//
// Verify changes nothing, so it may be repeated and called from any number of goroutines. Keys from a URL or a file are
// kept in memory only; one goroutine fetches them, from [New] until [Verifier.Close]. It refreshes them every hour, and
// earlier, but at most once a minute, for a token that names a key that is not in the set: all callers wait for
// the same fetch. After a failed fetch the old keys serve on, however old, and the fetch is repeated every half
// minute; without any key, every second. A fetch that succeeds replaces the whole set, so a key that the issuer removed
// stops being accepted.
//
// One window is left: when an issuer signs with a key that it published after the last refresh, and another unknown key
// caused that refresh less than a minute ago, the token is refused as invalid. To wait instead would let anyone who
// invents key names hold up the others. Issuers publish a key before they use it.
package token
