package codestest

import (
	"fmt"
	"testing"
	"time"
)

func testTries(t *testing.T, open func(testing.TB) *user) {
	t.Run("the right code works after four wrong ones", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(4)
		u.expect("a", "12345", "claimed")
	})
	t.Run("the fifth wrong code deletes the code and locks", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(4)
		if u.stored() != "12345" {
			t.Error("the code is gone after four")
		}
		u.wrong(1)
		if u.stored() != "" {
			t.Error("the code is still there after five")
		}
		u.expect("a", "12345", "locked")
		u.expect("b", "54321", "locked")
		u.expect("a", "12345", "locked")
	})
	t.Run("right tries are not counted as wrong ones", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(4)
		for i := range 10 {
			saga := fmt.Sprint("s", i)
			u.expect(saga, "12345", "claimed")
			u.expect("other-"+saga, "12345", "duplicate of "+saga)
			u.release(saga)
		}
		u.wrong(1)
		u.expect("a", "12345", "locked")
	})
	t.Run("a wrong try that is delivered again is not counted again", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		for range 20 {
			u.expect("a", "wrong", "incorrect")
		}
		u.wrong(3)
		u.expect("b", "12345", "claimed")
	})
	t.Run("the fifth wrong try stays incorrect when it is delivered again", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(4)
		u.expect("fifth", "wrong", "incorrect")
		u.expect("fifth", "wrong", "incorrect")
		u.expect("sixth", "wrong", "locked")
	})
	t.Run("a saga of a wrong try cannot try another code", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "wrong", "incorrect")
		u.expect("a", "12345", "incorrect")
	})
	t.Run("a saga may be called code", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("code", "wrong", "incorrect")
		u.wrong(4)
		u.expect("a", "12345", "locked")
	})
	t.Run("who holds the code keeps it when others lock it", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.expect("a", "12345", "claimed")
		u.wrong(5)
		u.expect("a", "12345", "claimed")
		u.expect("b", "12345", "duplicate of a")
		u.expect("c", "54321", "locked")
		u.release("a")
		u.expect("b", "12345", "locked")
	})
	testNewCode(t, open)
	testLockTTL(t, open)
}

// testNewCode: the count belongs to one code.
func testNewCode(t *testing.T, open func(testing.TB) *user) {
	t.Run("a new code ends the lock at once", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.wrong(5)
		u.expect("a", "11111", "locked")
		u.store("22222", time.Minute)
		u.wrong(4)
		u.expect("b", "22222", "claimed")
	})
	t.Run("a new code starts the count afresh", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.wrong(4)
		u.store("22222", time.Minute)
		u.wrong(4)
		u.expect("a", "22222", "claimed")
	})
	t.Run("the same code stored again goes on with the count", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.wrong(4)
		u.store("11111", time.Minute)
		u.wrong(1)
		u.expect("a", "11111", "locked")
		u.store("11111", time.Minute)
		u.expect("b", "11111", "locked")
	})
	t.Run("under a lock not even a used code is compared with the stored one", func(t *testing.T) {
		u := open(t)
		u.store("11111", time.Minute)
		u.expect("a", "11111", "claimed")
		u.wrong(5)
		u.store("11111", time.Minute)
		u.expect("b", "11111", "locked")
		u.expect("c", "22222", "locked")
	})
}

// testLockTTL: how long wrong tries are remembered.
func testLockTTL(t *testing.T, open func(testing.TB) *user) {
	t.Run("the lock lives as long as the code would have", func(t *testing.T) {
		u := open(t)
		u.store("12345", 5*time.Minute)
		u.wrong(1)
		u.elapse(time.Minute)
		u.wrong(4)
		u.expectTTL(u.attemptsKey(), 4*time.Minute)
		u.expect("a", "12345", "locked")
		u.elapse(4 * time.Minute)
		u.expect("b", "12345", "incorrect")
		u.store("12345", time.Minute)
		u.expect("c", "12345", "claimed")
	})
	t.Run("without a TTL of the code it lives for a day", func(t *testing.T) {
		u := open(t)
		u.store("12345", 0)
		u.wrong(5)
		u.expectTTL(u.attemptsKey(), 24*time.Hour)
	})
	t.Run("tries at a locked code do not prolong the lock", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(5)
		u.elapse(30 * time.Second)
		u.expect("a", "12345", "locked")
		u.expectTTL(u.attemptsKey(), 30*time.Second)
	})
	t.Run("a code whose issuer gives it more time keeps its count as long", func(t *testing.T) {
		u := open(t)
		u.store("12345", time.Minute)
		u.wrong(1)
		u.store("12345", time.Hour)
		u.wrong(1)
		u.expectTTL(u.attemptsKey(), time.Hour)
	})
}
