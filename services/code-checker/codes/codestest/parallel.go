package codestest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
)

// callers is how many try at once.
const callers = 200

func testParallel(t *testing.T, open func(testing.TB) *user) {
	t.Run("of 200 wrong tries at once five are compared", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		got := u.atOnce(func(i int) string { return fmt.Sprintf("wrong %d", i) })
		if got[codes.Incorrect] != codes.Tries || got[codes.Locked] != callers-codes.Tries {
			t.Errorf("got %v", got)
		}
		if u.stored() != "" {
			t.Error("the code is still there")
		}
	})
	t.Run("guessing at once finds a code by luck alone", func(t *testing.T) {
		for round := range 5 {
			u := open(t)
			u.store("00100", time.Minute)
			got := u.atOnce(func(i int) string { return fmt.Sprintf("%05d", i) })
			if got[codes.Incorrect] > codes.Tries || got[codes.Claimed] > 1 ||
				got[codes.Incorrect]+got[codes.Claimed]+got[codes.Locked] != callers {
				t.Errorf("round %d: got %v", round, got)
			}
		}
	})
	t.Run("of 200 right tries at once one claims", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		got := u.atOnce(func(int) string { return "12345" })
		if got[codes.Claimed] != 1 || got[codes.Duplicate] != callers-1 {
			t.Errorf("got %v", got)
		}
	})
}

// atOnce lets as many sagas try a code each, and counts the verdicts.
func (u *user) atOnce(code func(i int) string) map[codes.Kind]int {
	u.tb.Helper()
	verdicts := make([]codes.Verdict, callers)
	errs := make([]error, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			<-start
			v, e := u.codes.Claim(u.tb.Context(), []codes.Attempt{{ID: u.id, Code: code(i), Saga: fmt.Sprint("s", i), ClaimTTL: claimTTL}})
			verdicts[i], errs[i] = v[0], e[0]
		})
	}
	close(start)
	all.Wait()
	counts := map[codes.Kind]int{}
	for i, v := range verdicts {
		u.must(errs[i])
		counts[v.Kind]++
	}
	return counts
}
