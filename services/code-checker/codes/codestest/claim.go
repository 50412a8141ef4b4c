package codestest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func testClaim(t *testing.T, open func(testing.TB) *user) {
	t.Run("the right code is claimed, and stays stored", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "12345", "claimed")
		if u.stored() != "12345" || u.holder() != "a" {
			t.Errorf("stored %q, held by %q", u.stored(), u.holder())
		}
		u.expectTTL(u.claimKey(), claimTTL)
		u.expectTTL(u.usedKey(), 10*time.Minute)
		if u.ttl(u.attemptsKey()) > 0 {
			t.Error("a right try is remembered as a wrong one")
		}
	})
	t.Run("a claim may outlive ten minutes, and so does its trace", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		u.claimFor("a", "12345", time.Hour)
		u.expectTTL(u.claimKey(), time.Hour)
		u.expectTTL(u.usedKey(), time.Hour)
	})
	t.Run("a claim without time left stands for a second", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		if got := words(u.claimFor("a", "12345", -time.Hour)); got != "claimed" {
			t.Errorf("got %s", got)
		}
		u.expectTTL(u.claimKey(), time.Second)
	})
	t.Run("a saga that holds the code is told so again", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "12345", "claimed")
		u.expect("a", "12345", "claimed")
		u.elapse(2 * time.Minute)
		u.expect("a", "12345", "claimed")
	})
	t.Run("another saga with the same code is a duplicate", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "12345", "claimed")
		u.expect("b", "12345", "duplicate of a")
		u.expect("b", "12345", "duplicate of a")
		u.expect("a", "12345", "claimed")
	})
	t.Run("users do not share codes or claims", func(t *testing.T) {
		u := open(t)
		other := u.another()
		u.store("12345", time.Minute)
		other.store("67890", time.Minute)
		u.expect("a", "67890", "incorrect")
		other.expect("a", "67890", "claimed")
		u.expect("b", "12345", "claimed")
	})
	testReissued(t, open)
	testNoCode(t, open)
	testIDs(t, open)
}

// testReissued: the issuer stores a new code while an old one is in use.
func testReissued(t *testing.T, open func(testing.TB) *user) {
	t.Run("a re-issued code does not hide that the earlier one is in use", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.expect("a", "11111", "claimed")
		u.store("22222", time.Minute)
		u.expect("b", "11111", "duplicate of a")
		u.expect("c", "22222", "duplicate of a")
		u.expect("d", "33333", "incorrect")
		u.expect("a", "11111", "claimed")
	})
	t.Run("a duplicate is not a wrong try", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.expect("a", "11111", "claimed")
		u.store("22222", time.Minute)
		for i := range 20 {
			u.expect(fmt.Sprint("b", i), "11111", "duplicate of a")
		}
		u.release("a")
		u.expect("c", "22222", "claimed")
	})
	t.Run("a code that expired is a duplicate's still", func(t *testing.T) {
		u := open(t)
		u.store("11111", 30*time.Second)
		u.expect("a", "11111", "claimed")
		u.elapse(time.Minute)
		u.expect("b", "11111", "duplicate of a")
		u.expect("c", "22222", "incorrect")
	})
	t.Run("a claim that ran out can be taken over", func(t *testing.T) {
		u := open(t)
		u.store("11111", 0)
		u.expect("a", "11111", "claimed")
		u.elapse(claimTTL)
		u.expect("b", "11111", "claimed")
		u.expect("a", "11111", "duplicate of b")
	})
	t.Run("a saga renews its own claim that ran out", func(t *testing.T) {
		u := open(t)
		u.store("11111", 0)
		u.expect("a", "11111", "claimed")
		u.elapse(claimTTL)
		u.expect("a", "11111", "claimed")
		u.expect("b", "11111", "duplicate of a")
	})
}

// testNoCode: what counts as no code.
func testNoCode(t *testing.T, open func(testing.TB) *user) {
	t.Run("without a code every try is incorrect, and none is counted", func(t *testing.T) {
		u := open(t)
		u.wrong(10)
		u.expect("a", "", "incorrect")
		u.store("12345", time.Minute)
		u.expect("b", "12345", "claimed")
	})
	t.Run("an empty code never fits", func(t *testing.T) {
		u := open(t)
		u.must(u.redis.Set(t.Context(), u.id, "", 0).Err())
		u.expect("a", "", "incorrect")
		u.store("12345", time.Minute)
		u.expect("b", "", "incorrect")
	})
	t.Run("a value of another type is no code, and is left alone", func(t *testing.T) {
		u := open(t)
		u.must(u.redis.HSet(t.Context(), u.id, "12345", "12345").Err())
		u.wrong(10)
		u.expect("a", "12345", "incorrect")
		u.delete("a")
		u.release("a")
		if kind := u.redis.Type(t.Context(), u.id).Val(); kind != "hash" {
			t.Errorf("it is now %s", kind)
		}
		u.store("12345", time.Minute)
		u.expect("b", "12345", "claimed")
	})
	t.Run("a code is compared byte by byte", func(t *testing.T) {
		u := open(t)
		u.store("a1B2", time.Minute)
		for _, code := range []string{"A1b2", "a1B2 ", "a1B", strings.Repeat("x", 1<<20)} {
			u.expect(fmt.Sprintf("s-%d-%c", len(code), code[0]), code, "incorrect")
		}
		u.expect("right", "a1B2", "claimed")
	})
}

// testIDs: Ids of every kind.
func testIDs(t *testing.T, open func(testing.TB) *user) {
	t.Run("an Id can be any text", func(t *testing.T) {
		base := open(t)
		for _, id := range []string{
			"*", "a b", "سلام", "🎉", "\x00\xff", "{a}", "}{", "a}b", "{}", "a:{b}", "KEYS[1]", strings.Repeat("x", 1000),
		} {
			u := base.named("test-" + base.id + id)
			u.store("12345", time.Minute)
			u.expect("a", "12345", "claimed")
			u.expect("b", "12345", "duplicate of a")
			u.delete("a")
			if u.stored() != "" {
				t.Errorf("Id %q: the code is still there", id)
			}
		}
	})
	t.Run("an Id cannot be a key of ours", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "12345", "claimed")
		for _, id := range []string{"", "create-user:", u.claimKey(), u.usedKey(), u.attemptsKey()} {
			thief := *u
			thief.id = id
			thief.expect("b", "a", "incorrect")
			thief.delete("b")
			thief.release("b")
			if err := u.codes.Store(t.Context(), id, "1", time.Minute); err == nil {
				t.Errorf("a code is stored under %q", id)
			}
		}
		if u.holder() != "a" {
			t.Errorf("the claim is now %q", u.holder())
		}
	})
}
