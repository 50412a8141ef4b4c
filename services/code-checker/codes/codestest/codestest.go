// Package codestest holds the tests that package codes must pass on every Redis that it is meant for: the one
// embedded in development, and real servers.
package codestest

import (
	"context"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/redis/go-redis/v9"
)

// Run runs the suite. open returns a client of its own for each test, and closes it with that test; all may lead to one
// server and one database, which may hold other data: the suite uses fresh Ids, removes what it stores, and lets time
// pass for its own keys only. But it makes the server forget its scripts.
func Run(t *testing.T, open func(testing.TB) *redis.Client) {
	for _, group := range []struct {
		name  string
		tests func(*testing.T, func(testing.TB) *user)
	}{
		{"claim", testClaim},
		{"tries", testTries},
		{"settle", testSettle},
		{"parallel", testParallel},
		{"batch", testBatch},
		{"model", testModel},
	} {
		t.Run(group.name, func(t *testing.T) {
			group.tests(t, func(tb testing.TB) *user {
				tb.Helper()
				return newUser(tb, open(tb))
			})
		})
	}
}

// user is one user with a fresh Id, and what surrounds it.
type user struct {
	tb    testing.TB
	redis *redis.Client
	codes *codes.Codes
	id    string
}

func newUser(tb testing.TB, client *redis.Client) *user {
	tb.Helper()
	return user{tb: tb, redis: client, codes: codes.New(client)}.named("test-" + rand.Text())
}

// named returns the same surroundings for another Id, whose keys it removes at the end.
func (u user) named(id string) *user {
	u.id = id
	u.tb.Cleanup(func() { u.redis.Del(context.Background(), u.keys()...) })
	return &u
}

// another is a user beside this one.
func (u *user) another() *user { return u.named("test-" + rand.Text()) }

// The keys, written out: other programs and operators know them by these names.
func (u *user) claimKey() string    { return "create-user:claim:{" + u.id + "}" }
func (u *user) attemptsKey() string { return "create-user:attempts:{" + u.id + "}" }
func (u *user) usedKey() string     { return "create-user:used:{" + u.id + "}" }
func (u *user) keys() []string {
	return []string{u.id, u.claimKey(), u.attemptsKey(), u.usedKey()}
}

// store stores a code as an issuer does; ttl 0 means for ever.
func (u *user) store(code string, ttl time.Duration) {
	u.tb.Helper()
	u.must(u.codes.Store(u.tb.Context(), u.id, code, ttl))
}

// stored is the code that stands under the Id, or "".
func (u *user) stored() string {
	u.tb.Helper()
	return u.get(u.id)
}

// holder is the saga whose claim stands, or "".
func (u *user) holder() string {
	u.tb.Helper()
	return u.get(u.claimKey())
}

// get is the string under a key; "" if there is none or it is no string.
func (u *user) get(key string) string {
	u.tb.Helper()
	value, err := u.redis.Get(u.tb.Context(), key).Result()
	if !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "WRONGTYPE") {
		u.must(err)
	}
	return value
}

// elapse lets time pass for this user: it shortens what is left of every TTL. That works alike on a real server and
// on one whose clock stands still.
func (u *user) elapse(d time.Duration) {
	u.tb.Helper()
	for _, key := range u.keys() {
		left := u.ttl(key)
		switch {
		case left < 0:
		case left <= d:
			u.must(u.redis.Del(u.tb.Context(), key).Err())
		default:
			u.must(u.redis.PExpire(u.tb.Context(), key, left-d).Err())
		}
	}
}

// ttl is what is left of a key's; negative if it has none or does not exist.
func (u *user) ttl(key string) time.Duration {
	u.tb.Helper()
	left, err := u.redis.PTTL(u.tb.Context(), key).Result()
	u.must(err)
	return left
}

// expectTTL allows for the time that the test itself takes.
func (u *user) expectTTL(key string, want time.Duration) {
	u.tb.Helper()
	if got := u.ttl(key); got > want || got < want-10*time.Second {
		u.tb.Errorf("%s lives for %v, want %v", key, got, want)
	}
}

// claimTTL is a claim's unless a test says otherwise.
const claimTTL = 3 * time.Minute

// claim is one attempt.
func (u *user) claim(saga, code string) codes.Verdict {
	u.tb.Helper()
	return u.claimFor(saga, code, claimTTL)
}

func (u *user) claimFor(saga, code string, ttl time.Duration) codes.Verdict {
	u.tb.Helper()
	verdicts, errs := u.codes.Claim(u.tb.Context(), []codes.Attempt{{ID: u.id, Code: code, Saga: saga, ClaimTTL: ttl}})
	u.must(errs[0])
	return verdicts[0]
}

func (u *user) delete(saga string) {
	u.tb.Helper()
	u.must(u.codes.Delete(u.tb.Context(), []codes.Holder{{ID: u.id, Saga: saga}})[0])
}

func (u *user) release(saga string) {
	u.tb.Helper()
	u.must(u.codes.Release(u.tb.Context(), []codes.Holder{{ID: u.id, Saga: saga}})[0])
}

// expect is one attempt and its verdict, in words: "claimed", "incorrect", "locked", "duplicate of <saga>".
func (u *user) expect(saga, code, want string) {
	u.tb.Helper()
	if got := words(u.claim(saga, code)); got != want {
		u.tb.Errorf("saga %s: got %s, want %s", saga, got, want)
	}
}

func words(v codes.Verdict) string {
	if v.Kind == codes.Duplicate {
		return v.Kind.String() + " of " + v.Of
	}
	return v.Kind.String()
}

// wrong gives n wrong codes, each in a saga of its own.
func (u *user) wrong(n int) {
	u.tb.Helper()
	for range n {
		u.expect("wrong-"+rand.Text(), "not the code", "incorrect")
	}
}

func (u *user) must(err error) {
	u.tb.Helper()
	if err != nil {
		u.tb.Fatal(err)
	}
}
