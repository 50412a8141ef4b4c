package codes

import (
	"context"
	"crypto/sha1" //nolint:gosec // as Redis's scripts hash; it hides nothing that Redis does not hold
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// Tries is how many wrong tries a code survives: the last of them deletes it.
	Tries = 5

	// usedFor is how long it is remembered which saga used a code; at least as long as the claim stands.
	usedFor = 10 * time.Minute

	// countedFor is how long wrong tries are remembered for a code without a TTL of its own.
	countedFor = 24 * time.Hour

	// minClaim is the shortest TTL of a claim: Redis refuses zero.
	minClaim = time.Second

	// maxSaga is in bytes; it bounds what we store.
	maxSaga = 128

	// ours begins every key of ours and of the services around this one, so no Id may begin with it.
	ours = "create-user:"
)

var (
	//go:embed claim.lua
	claimLua string
	//go:embed delete.lua
	deleteLua string
	//go:embed release.lua
	releaseLua string
)

// errMisuse marks what the caller did wrong: waiting cannot help.
var errMisuse = errors.New("codes: wrong call")

// Kind is what came of an attempt.
type Kind int

const (
	_ Kind = iota // no verdict: the attempt has an error

	// Claimed says that the code is right and this saga holds it, or held it until it deleted it.
	Claimed
	// Incorrect says that the code is wrong, or none is stored.
	Incorrect
	// Locked says that too many wrong codes were tried. The given one was not compared.
	Locked
	// Duplicate says that another saga holds this code, or has used it.
	Duplicate
)

// String returns the kind in small letters.
func (k Kind) String() string {
	switch k {
	case Claimed:
		return "claimed"
	case Incorrect:
		return "incorrect"
	case Locked:
		return "locked"
	case Duplicate:
		return "duplicate"
	}
	return "none"
}

// Attempt is one saga's try to claim a user's code.
type Attempt struct {
	ID   string // the user's Id, byte by byte
	Code string // as the user gave it
	Saga string // 1 to 128 printable ASCII characters, no space

	// ClaimTTL is how long the claim stands if nobody deletes or releases it; under a second counts as a second.
	ClaimTTL time.Duration
}

// Verdict is what came of an attempt.
type Verdict struct {
	Kind Kind
	Of   string // for Duplicate: the saga that came first
}

// Holder is a saga that may hold the code of a user.
type Holder struct {
	ID   string
	Saga string
}

// Codes keeps codes and claims in one Redis. It is safe for concurrent use.
type Codes struct {
	redis                  redis.UniversalClient
	claim, delete, release *redis.Script
}

// New returns the codes in the client's database. It does no I/O; the client stays the caller's to close.
func New(client redis.UniversalClient) *Codes {
	return &Codes{
		redis:   client,
		claim:   redis.NewScript(claimLua),
		delete:  redis.NewScript(deleteLua),
		release: redis.NewScript(releaseLua),
	}
}

// Claim tries to claim a code for each attempt, in order, in one round trip. Both results have an entry per
// attempt: a verdict, or the error that kept it from one, which concerns this attempt only. See [Unavailable].
func (c *Codes) Claim(ctx context.Context, attempts []Attempt) ([]Verdict, []error) {
	verdicts, errs := make([]Verdict, len(attempts)), make([]error, len(attempts))
	b := newBatch(c.redis, c.claim, errs)
	for i, a := range attempts {
		if foreign(a.ID) {
			verdicts[i] = Verdict{Kind: Incorrect}
			continue
		}
		b.add(i, Holder{a.ID, a.Saga}, hash(a.Code), max(a.ClaimTTL, minClaim).Milliseconds(),
			max(a.ClaimTTL, usedFor).Milliseconds(), countedFor.Milliseconds(), Tries)
	}
	b.run(ctx, func(i int, reply any) (err error) {
		verdicts[i], err = parseVerdict(reply)
		return err
	})
	return verdicts, errs
}

// Delete deletes the codes of users that were created, and the claims on them, in one round trip. Repeating it for
// the same saga does nothing, for ten minutes. It returns an error or nil per holder.
func (c *Codes) Delete(ctx context.Context, holders []Holder) []error {
	return c.settle(ctx, c.delete, holders, usedFor.Milliseconds())
}

// Release frees the codes of sagas that failed, as far as they hold them, in one round trip: they can be claimed again.
// Repeating it does nothing. It returns an error or nil per holder.
func (c *Codes) Release(ctx context.Context, holders []Holder) []error {
	return c.settle(ctx, c.release, holders)
}

func (c *Codes) settle(ctx context.Context, script *redis.Script, holders []Holder, args ...any) []error {
	errs := make([]error, len(holders))
	b := newBatch(c.redis, script, errs)
	for i, h := range holders {
		if !foreign(h.ID) {
			b.add(i, h, args...)
		}
	}
	b.run(ctx, func(int, any) error { return nil })
	return errs
}

// Store stores a code for a user, as an issuer of codes does: for development and tests. ttl 0 means for ever.
func (c *Codes) Store(ctx context.Context, id, code string, ttl time.Duration) error {
	switch {
	case foreign(id):
		return fmt.Errorf("%w: no code can be stored for an Id that is empty or begins with %q", errMisuse, ours)
	case code == "":
		return fmt.Errorf("%w: the code is empty", errMisuse)
	case ttl != 0 && ttl < time.Millisecond:
		return fmt.Errorf("%w: the TTL is under a millisecond", errMisuse)
	}
	if err := c.redis.Set(ctx, id, code, ttl).Err(); err != nil {
		return fmt.Errorf("storing a code: %w", err)
	}
	return nil
}

// foreign says that an Id cannot have a code: its key would be empty or one of ours.
func foreign(id string) bool { return id == "" || strings.HasPrefix(id, ours) }

// hash is what the scripts compute with redis.sha1hex.
func hash(code string) string {
	sum := sha1.Sum([]byte(code)) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}

// keys are a user's, in the order that the scripts expect.
func keys(id string) []string {
	return []string{id, ours + "claim:{" + id + "}", ours + "attempts:{" + id + "}", ours + "used:{" + id + "}"}
}

func parseVerdict(reply any) (Verdict, error) {
	var words [2]string
	parts, _ := reply.([]any)
	for i, part := range parts[:min(len(parts), len(words))] {
		words[i], _ = part.(string)
	}
	for kind := Claimed; kind <= Duplicate; kind++ {
		if kind.String() == words[0] && (kind == Duplicate) == (words[1] != "") {
			return Verdict{Kind: kind, Of: words[1]}, nil
		}
	}
	return Verdict{}, fmt.Errorf("%w: a reply of %d parts is no verdict", errMisuse, len(parts))
}
