package saga

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestDecide(t *testing.T) {
	t.Parallel()
	odd := errors.New("something odd")
	wrapped := func(err error) error { return fmt.Errorf("check: %w", err) }
	panicked := recovered("anything")
	var (
		next     = decision{verdict: appendNext}
		holds    = decision{verdict: hold}
		retries  = decision{verdict: retryLater}
		late     = decision{verdict: appendFailed, code: event.CodeDeadlineExceeded}
		wrong    = decision{verdict: appendFailed, code: event.CodeIncorrect}
		double   = decision{verdict: appendFailed, code: event.CodeDuplicateRequest, of: "other"}
		poisoned = decision{verdict: deadLetter, reason: event.ReasonPoison}
		panics   = decision{verdict: deadLetter, reason: event.ReasonPanic}
		tooOften = decision{verdict: deadLetter, reason: event.ReasonDeliveryLimit}
	)
	reject := Reject(event.CodeIncorrect, odd)
	before := func(s situation) situation { s.beforeEnd, s.limit = true, 3; return s }
	past := func(s situation) situation { s.limit = 3; return s }
	for _, tt := range []struct {
		name string
		in   situation
		want decision
	}{
		{"the next event is appended", before(situation{delivery: 1}), next},
		{"also on the last delivery, and late", before(situation{delivery: 9, late: true}), next},
		{"also past the pivot", past(situation{delivery: 1}), next},

		{"a rejection fails the saga", before(situation{err: reject, delivery: 1}), wrong},
		{"also when it is wrapped", before(situation{err: wrapped(reject), delivery: 1}), wrong},
		{"also on the last delivery, and late", before(situation{err: reject, delivery: 3, late: true}), wrong},
		{"of a dependency that is away, too", before(situation{err: Reject(event.CodeIncorrect, Unavailable(odd)), delivery: 1}), wrong},
		{"a duplicate names the other saga", before(situation{err: Duplicate("other"), delivery: 1}), double},
		{"past the pivot a rejection is retried", past(situation{err: reject, delivery: 1}), retries},

		{"poison is a dead letter", before(situation{err: Poison(odd), delivery: 1}), poisoned},
		{"also when it is wrapped", before(situation{err: wrapped(Poison(odd)), delivery: 1}), poisoned},
		{"also late", before(situation{err: Poison(odd), delivery: 1, late: true}), poisoned},
		{"also past the pivot", past(situation{err: Poison(odd), delivery: 1}), poisoned},
		{"also when its reason is a rejection", before(situation{err: Poison(reject), delivery: 1}), poisoned},

		{"a panic is a dead letter", before(situation{err: panicked, delivery: 1}), panics},
		{"also late", before(situation{err: panicked, delivery: 1, late: true}), panics},
		{"also past the pivot", past(situation{err: panicked, delivery: 1}), panics},

		{"one delivered too often is a dead letter", before(situation{err: errTooOften, delivery: 4}), tooOften},
		{"also late", before(situation{err: errTooOften, delivery: 4, late: true}), tooOften},

		{"the deadline fails the saga", before(situation{err: errLate, delivery: 1, late: true}), late},
		{"also with an error to retry", before(situation{err: odd, delivery: 1, late: true}), late},
		{"also while a dependency is away", before(situation{err: Unavailable(odd), delivery: 1, late: true}), late},
		{"also at the delivery limit", before(situation{err: odd, delivery: 3, late: true}), late},
		{"past the pivot there is none", past(situation{err: odd, delivery: 1, late: true}), retries},

		{"while a dependency is away the event is held", before(situation{err: Unavailable(odd), delivery: 1}), holds},
		{"also when it is wrapped", before(situation{err: wrapped(Unavailable(odd)), delivery: 1}), holds},
		{"also beyond the delivery limit", before(situation{err: Unavailable(odd), delivery: 9}), holds},
		{"also past the pivot, and late", past(situation{err: Unavailable(odd), delivery: 9, late: true}), holds},

		{"an unknown error is retried", before(situation{err: odd, delivery: 1}), retries},
		{"up to the delivery limit", before(situation{err: odd, delivery: 2}), retries},
		{"and then a dead letter", before(situation{err: odd, delivery: 3}), tooOften},
		{"past the pivot without end", past(situation{err: odd, delivery: 99}), retries},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := decide(tt.in)
			if got.verdict == retryLater && got.delay <= 0 {
				t.Errorf("retried at once")
			}
			got.delay = 0
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(decision{})); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(-1, 1<<40).Draw(t, "delivery")
		whole := min(10*time.Second, 100*time.Millisecond<<min(max(n-1, 0), 20))
		if d := backoff(n); d < whole/2 || d >= whole {
			t.Fatalf("backoff(%d) = %s, want %s to %s", n, d, whole/2, whole)
		}
	})
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for name, err := range map[string]error{
		"a rejection": Reject(event.CodeIncorrect, cause), "poison": Poison(cause), "an absence": Unavailable(cause),
	} {
		if !errors.Is(err, cause) {
			t.Errorf("%s hides its cause", name)
		}
	}
	if got := chain(Poison(fmt.Errorf("decode: %w", cause))); !cmp.Equal(got, []string{"decode: cause", "cause"}) {
		t.Errorf("chain is %q", got)
	}
}

func TestRecoveredTellsOnlyWhatTheRuntimeSays(t *testing.T) {
	t.Parallel()
	catch := func(f func()) (err error) {
		defer func() { err = recovered(recover()) }()
		f()
		return nil
	}
	index := 3
	for want, f := range map[string]func(){
		"handler panicked: runtime error: index out of range [3] with length 0": func() { _ = []int(nil)[index] },
		"handler panicked: string":              func() { panic("a secret") },
		"handler panicked: *errors.errorString": func() { panic(errors.New("a secret")) },
	} {
		err := catch(f)
		if !is[panicked](err) {
			t.Errorf("%T is not the error of a panic", err)
		}
		if got := err.Error(); len(got) > len(want)+1+maxStack || got[:len(want)] != want || got[len(want)] != '\n' {
			t.Errorf("got %q, want it to begin with %q", got, want)
		}
	}
}

func TestDecodeJSONTellsNoValue(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"id":"a","code":739154}`:        `property "code" is not a string`,
		`{"id":"a","code":"739154"`:       `not JSON (at byte 25)`,
		`{"id":"a","image":739154}`:       `property "image" is not a string`,
		`{"id":"a","sealed":{"key":"%"}}`: `property "sealed.key" is not a []uint8`,
		``:                                `not JSON (at byte 0)`,
	} {
		_, err := decodeJSON[event.TokenVerified]([]byte(in))
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %q, want %q", in, err, want)
		}
	}
}
