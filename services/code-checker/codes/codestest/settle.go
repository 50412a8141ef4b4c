package codestest

import (
	"testing"
	"time"
)

func testSettle(t *testing.T, open func(testing.TB) *user) {
	t.Run("deleted: the code, the claim and the count are gone, the trace stays", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.wrong(2)
		u.expect("a", "12345", "claimed")
		u.elapse(time.Minute)
		u.delete("a")
		if u.stored() != "" || u.holder() != "" || u.ttl(u.attemptsKey()) > 0 {
			t.Errorf("stored %q, held by %q", u.stored(), u.holder())
		}
		u.expectTTL(u.usedKey(), 10*time.Minute)
		u.expect("b", "12345", "duplicate of a")
		u.expect("c", "54321", "incorrect")
	})
	t.Run("deleted: the saga itself is still told that it has claimed", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
		u.delete("a")
		u.expect("a", "12345", "claimed")
		if u.holder() != "" {
			t.Error("and claims again")
		}
	})
	t.Run("deleted again: a code stored later stays", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
		u.delete("a")
		u.store("67890", time.Hour)
		u.delete("a")
		u.delete("a")
		if u.stored() != "67890" {
			t.Error("a redelivery deleted a new code")
		}
		u.expect("b", "67890", "claimed")
		u.delete("b")
		if u.stored() != "" {
			t.Error("its own saga cannot delete it")
		}
	})
	t.Run("deleted: a code re-issued before goes too", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Hour)
		u.expect("a", "11111", "claimed")
		u.store("22222", time.Hour)
		u.delete("a")
		if u.stored() != "" {
			t.Error("the re-issued code is still there")
		}
		u.expect("b", "11111", "duplicate of a")
	})
	t.Run("deleted after a long outage: the code goes, the trace is made", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		u.expect("a", "12345", "claimed")
		u.elapse(24 * time.Hour)
		u.delete("a")
		if u.stored() != "" {
			t.Error("the code is still there")
		}
		u.expect("b", "12345", "duplicate of a")
		u.store("67890", time.Hour)
		u.delete("a")
		if u.stored() != "67890" {
			t.Error("a redelivery deleted a new code")
		}
	})
	t.Run("deleted without code, claim and trace: later duplicates are incorrect", func(t *testing.T) {
		u := open(t)
		u.delete("a")
		u.expect("a", "12345", "claimed")
		u.expect("b", "12345", "incorrect")
	})
	t.Run("deleted: another saga's claim is left alone", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		u.expect("a", "12345", "claimed")
		u.elapse(claimTTL)
		u.expect("b", "12345", "claimed")
		u.delete("a")
		if u.stored() != "" || u.holder() != "b" {
			t.Errorf("stored %q, held by %q", u.stored(), u.holder())
		}
		u.expect("b", "12345", "claimed")
		u.release("b")
		u.expect("c", "12345", "duplicate of a")
	})
	testRelease(t, open)
}

func testRelease(t *testing.T, open func(testing.TB) *user) {
	t.Run("released: the code can be claimed again", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
		u.release("a")
		u.release("a")
		if u.stored() != "12345" || u.holder() != "" || u.ttl(u.usedKey()) > 0 {
			t.Errorf("stored %q, held by %q", u.stored(), u.holder())
		}
		u.expect("b", "12345", "claimed")
	})
	t.Run("released: only what the saga itself holds", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
		u.expect("b", "12345", "duplicate of a")
		u.release("b")
		u.expect("c", "12345", "duplicate of a")
	})
	t.Run("released: wrong tries stay counted", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.wrong(4)
		u.expect("a", "12345", "claimed")
		u.release("a")
		u.wrong(1)
		u.expect("b", "12345", "locked")
	})
	t.Run("released: nothing, when there is nothing", func(t *testing.T) {
		u := open(t)
		u.release("a")
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
	})
	t.Run("released after the deletion: the trace stays", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.expect("a", "12345", "claimed")
		u.delete("a")
		u.release("a")
		u.expect("b", "12345", "duplicate of a")
	})
	t.Run("released: a claim made by a late redelivery goes as well", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Hour)
		u.release("a")
		u.expect("a", "12345", "claimed")
		u.release("a")
		u.expect("b", "12345", "claimed")
	})
	t.Run("released after a claim that ran out: the one who took over keeps it", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		u.expect("a", "12345", "claimed")
		u.elapse(claimTTL)
		u.expect("b", "12345", "claimed")
		u.release("a")
		u.expect("c", "12345", "duplicate of b")
	})
}
