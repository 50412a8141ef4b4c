package saga

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// Rejection is the error of a handler that refuses a registration for good:
// the saga fails with its code.
type Rejection struct {
	Code   event.Code
	Of     string // the other saga, for a duplicate
	Reason error  // for the log; never holds a secret
}

// Error implements error.
func (r *Rejection) Error() string { return fmt.Sprintf("rejected: %s: %v", r.Code, r.Reason) }

// Unwrap returns the reason.
func (r *Rejection) Unwrap() error { return r.Reason }

// Reject returns the error that ends the saga with code.
func Reject(code event.Code, reason error) error { return &Rejection{Code: code, Reason: reason} }

// Duplicate returns the error that ends the saga because another one, of, has
// the same registration in hand.
func Duplicate(of string) error {
	return &Rejection{Code: event.CodeDuplicateRequest, Of: of, Reason: errors.New("another saga has this registration in hand")}
}

type poison struct{ error }

func (p poison) Unwrap() error { return p.error }

// Poison marks err as one that no repetition can mend: the message becomes a
// dead letter.
func Poison(err error) error { return poison{err} }

type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

// Unavailable marks err as the absence of a dependency. The event is held and
// tried again until the dependency is back or the saga's deadline passes; no
// delivery is spent on it.
func Unavailable(err error) error { return unavailable{err} }

// panicked is the error of a handler that panicked over one event.
type panicked struct{ error }

func (p panicked) Unwrap() error { return p.error }

// is reports whether err is, or wraps, an error of type E.
func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// verdict is what is done with a handled event.
type verdict int

const (
	appendNext   verdict = iota // the handler's event
	appendFailed                // failed, with the decision's code
	deadLetter                  // keep it, then append failed where that is allowed
	retryLater                  // redeliver after the decision's delay
	hold                        // keep it in hand until its dependency is back
)

func (v verdict) String() string {
	return [...]string{"append", "fail", "dead-letter", "retry", "hold"}[v]
}

// decision is a verdict with what it needs.
type decision struct {
	verdict verdict
	code    event.Code    // appendFailed
	of      string        // appendFailed
	reason  event.Reason  // deadLetter
	delay   time.Duration // retryLater
}

// situation is all that a decision depends on.
type situation struct {
	err       error
	beforeEnd bool // the saga may still fail: its pivot is ahead
	delivery  int  // 1 for the first
	limit     int  // deliveries
	late      bool // the deadline has passed
}

// decide maps what a handler returned to what is done about it. Past the pivot
// a saga only goes forward: there, nothing but poison and a panic, which are
// kept as dead letters, ends the retries.
func decide(s situation) decision {
	switch {
	case s.err == nil:
		return decision{verdict: appendNext}
	case is[poison](s.err):
		return decision{verdict: deadLetter, reason: event.ReasonPoison}
	case is[panicked](s.err):
		return decision{verdict: deadLetter, reason: event.ReasonPanic}
	case errors.Is(s.err, errTooOften):
		return decision{verdict: deadLetter, reason: event.ReasonDeliveryLimit}
	}
	if s.beforeEnd {
		if r, ok := errors.AsType[*Rejection](s.err); ok {
			return decision{verdict: appendFailed, code: r.Code, of: r.Of}
		}
		if s.late {
			return decision{verdict: appendFailed, code: event.CodeDeadlineExceeded}
		}
	}
	if is[unavailable](s.err) {
		return decision{verdict: hold}
	}
	if s.beforeEnd && s.delivery >= s.limit {
		return decision{verdict: deadLetter, reason: event.ReasonDeliveryLimit}
	}
	return decision{verdict: retryLater, delay: backoff(s.delivery)}
}

// Backoff bounds.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 10 * time.Second
)

// backoff returns the delay before delivery n+1: doubling from firstBackoff to
// lastBackoff, of which a random half is kept so that sagas that failed
// together do not come back together. ("Equal jitter" of Brooker,
// "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.)
func backoff(n int) time.Duration {
	d := lastBackoff
	if n < 8 { // 100 ms << 7 exceeds lastBackoff
		d = min(lastBackoff, firstBackoff<<max(0, n-1))
	}
	return d/2 + rand.N(d/2) //nolint:gosec // jitter needs no secrecy
}
