package event

import (
	"strconv"
	"strings"
)

// maxAttempt bounds the number of attempts at one registration.
const maxAttempt = 9999

// AttemptID returns the id of the saga that is the nth attempt at the
// registration that began as saga base: "<base>-r<n>". The first saga itself is
// attempt 0.
func AttemptID(base string, n int) string {
	if n == 0 {
		return base
	}
	return base + "-r" + strconv.Itoa(n)
}

// SplitAttempt is the inverse of [AttemptID].
func SplitAttempt(saga string) (base string, n int) {
	i := strings.LastIndex(saga, "-r")
	if i < 1 {
		return saga, 0
	}
	n, err := strconv.Atoi(saga[i+2:])
	if err != nil || n < 1 || n > maxAttempt || AttemptID(saga[:i], n) != saga {
		return saga, 0
	}
	return saga[:i], n
}

// SameRegistration reports whether two sagas are attempts at one registration.
func SameRegistration(a, b string) bool {
	first, _ := SplitAttempt(a)
	second, _ := SplitAttempt(b)
	return first == second
}

// PreviousAttempt returns the id of the attempt before saga, or "" when saga is
// the first.
func PreviousAttempt(saga string) string {
	base, n := SplitAttempt(saga)
	if n == 0 {
		return ""
	}
	return AttemptID(base, n-1)
}
