package codestest

import (
	"fmt"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/redis/go-redis/v9"
)

// batchSize is that of a full batch of the code-checker.
const batchSize = 64

// Benchmark measures batches of 64 users whose code is right: the claim, and what follows when they are created.
func Benchmark(b *testing.B, open func(testing.TB) *redis.Client) {
	u := newUser(b, open(b))
	attempts := make([]codes.Attempt, batchSize)
	holders := make([]codes.Holder, batchSize)
	for i := range attempts {
		id := u.another().id
		attempts[i] = codes.Attempt{ID: id, Code: "12345", Saga: "a", ClaimTTL: claimTTL}
		holders[i] = codes.Holder{ID: id, Saga: "a"}
	}
	for _, measured := range []struct {
		name string
		run  func() []error
	}{
		{"claim", func() []error { _, errs := u.codes.Claim(b.Context(), attempts); return errs }},
		{"delete", func() []error { return u.codes.Delete(b.Context(), holders) }},
	} {
		b.Run(fmt.Sprintf("%s/batch=%d", measured.name, batchSize), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				u.prepare(b, attempts, measured.name == "delete")
				b.StartTimer()
				for _, err := range measured.run() {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*batchSize)/b.Elapsed().Seconds(), "users/s")
		})
	}
}

// prepare gives all users a fresh code, claimed already if need be.
func (u *user) prepare(b *testing.B, attempts []codes.Attempt, claimed bool) {
	b.Helper()
	for _, a := range attempts {
		one := *u
		one.id = a.ID
		u.must(u.redis.Del(b.Context(), one.keys()...).Err())
		one.store(a.Code, time.Minute)
	}
	if claimed {
		u.codes.Claim(b.Context(), attempts)
	}
}
