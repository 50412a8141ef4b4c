package event_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestSplitAttempt_IsTheInverseOfAttemptID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.StringMatching(`[A-Za-z0-9_-]{0,56}[A-Za-z_]`).Draw(t, "base") // none that is an attempt itself
		n := rapid.IntRange(0, 9999).Draw(t, "attempt")
		id := event.AttemptID(base, n)
		if gotBase, got := event.SplitAttempt(id); gotBase != base || got != n {
			t.Errorf("%s is attempt %d at %s, want %d at %s", id, got, gotBase, n, base)
		}
		if !event.ValidSagaID(id) {
			t.Errorf("%s is no saga id", id)
		}
		if !event.SameRegistration(base, id) || event.SameRegistration(base+"x", id) {
			t.Errorf("%s: want the same registration as %s and no other", id, base)
		}
	})
}

func TestSplitAttempt_WhatNoAttemptIDMakesIsAFirstSaga(t *testing.T) {
	for _, saga := range []string{
		"", "a", "-r1", "r1", "a-r", "a-r0", "a-r01", "a-r+1", "a-r-1", "a-r1x", "a-r10000", "a-r99999999999999999999", "a-R1", "a_r1",
	} {
		if base, n := event.SplitAttempt(saga); base != saga || n != 0 {
			t.Errorf("%q is attempt %d at %q", saga, n, base)
		}
		if before := event.PreviousAttempt(saga); before != "" {
			t.Errorf("before %q came %q", saga, before)
		}
	}
}

func TestPreviousAttempt_LeadsBackToTheFirstSaga(t *testing.T) {
	var back []string
	for saga := "a-r2"; saga != ""; saga = event.PreviousAttempt(saga) {
		back = append(back, saga)
	}
	if len(back) != 3 || back[1] != "a-r1" || back[2] != "a" {
		t.Errorf("got %v", back)
	}
}

// A registration may use up all 64 characters of a message id and still be
// replayed.
func TestAttempts_FitASubjectWhateverTheFirstSagaIsCalled(t *testing.T) {
	base := strings.Repeat("a", 64)
	for saga, ok := range map[string]bool{
		base: true, event.AttemptID(base, 9999): true, base + "a": false, event.AttemptID(base+"a", 1): false,
		base + "-r0": false, base + "-r10000": false, event.AttemptID(event.AttemptID(base, 1), 1): false,
	} {
		if got := event.ValidSagaID(saga); got != ok {
			t.Errorf("ValidSagaID(%q) is %v", saga, got)
		}
		k := event.Key{User: event.UnknownUser, Saga: saga}
		if _, got, err := event.ParseSubject(k.Subject(event.TypeFailed)); (err == nil && got == k) != ok {
			t.Errorf("subject of %q: %v, %v", saga, got, err)
		}
	}
}
