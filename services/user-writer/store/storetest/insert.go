package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
)

func runInsert(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("a new user is inserted and found as given", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantNoRow(u.ID)
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
	})
	t.Run("a redelivered saga is told that it inserted", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantVerdict(store.Inserted, u)
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
	})
	t.Run("a saga redelivered with other values changes nothing", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantVerdict(store.Inserted, u)
		again := u
		again.Password = "another ciphertext of the same"
		f.wantVerdict(store.Inserted, again)
		f.wantRow(u)
	})
	t.Run("an Id that another saga registered exists", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantVerdict(store.Inserted, u)
		f.wantVerdict(store.Exists, f.user("b", "ann"))
		f.wantVerdict(store.Exists, f.user("b", "ann"))
		f.wantVerdict(store.Inserted, u)
		f.wantRow(u)
	})
	t.Run("one saga id under two user hashes is two sagas", func(t *testing.T) {
		f := newFixture(t, open)
		u, v := f.user("a", "ann"), f.user("a", "bob")
		v.Key.User = "another-user"
		f.wantVerdict(store.Inserted, u)
		f.wantVerdict(store.Inserted, v)
		f.wantRow(u)
		f.wantRow(v)
	})
	t.Run("the verdict is seen by another replica", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.wantVerdict(store.Inserted, u)
		f.Store = opened(t, open)
		f.wantVerdict(store.Inserted, u)
		f.wantVerdict(store.Exists, f.user("b", "ann"))
		f.wantRow(u)
	})
	t.Run("under a context that has ended it is an error and inserts nothing", func(t *testing.T) {
		f := newFixture(t, open)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		u := f.user("a", "ann")
		if results, err := f.Insert(ctx, []store.User{u}); !errors.Is(err, context.Canceled) {
			t.Errorf("results %v and error %v, want the context's", results, err)
		}
		f.wantNoRow(u.ID)
	})
	t.Run("a store answers until it is closed", func(t *testing.T) {
		s := open(t)
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("ping: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		if err := s.Ping(t.Context()); err == nil {
			t.Error("a closed store answers")
		}
	})
}

func runBatch(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("of none is answered with none", func(t *testing.T) {
		newFixture(t, open).wantVerdicts([]store.Verdict{})
	})
	t.Run("settles each saga by itself, in the given order", func(t *testing.T) {
		f := newFixture(t, open)
		old, stands, gone := f.user("old", "1"), f.user("stands", "2"), f.user("gone", "3")
		f.insert(old, stands, gone)
		f.remove(gone.Key)
		long := f.user("long", "4")
		long.Name = strings.Repeat("n", 101)
		fresh, last := f.user("fresh", "5"), f.user("last", "6")
		f.wantVerdicts(
			[]store.Verdict{store.Inserted, store.Exists, store.Refused, store.Removed, store.Inserted, store.Inserted},
			fresh, f.user("late", "2"), long, gone, old, last)
		for _, u := range []store.User{old, stands, fresh, last} {
			f.wantRow(u)
		}
		f.wantNoRow(gone.ID)
		f.wantNoRow(long.ID)
	})
	t.Run("with one saga twice gives it one verdict and one row", func(t *testing.T) {
		f := newFixture(t, open)
		u, v := f.user("a", "ann"), f.user("b", "bob")
		f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted, store.Inserted}, u, v, u)
		f.wantRow(u)
		f.wantRow(v)
	})
	t.Run("with two sagas for one Id lets the first win", func(t *testing.T) {
		for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
			f := newFixture(t, open)
			first, second := f.user(order[0], "ann"), f.user(order[1], "ann")
			f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted, store.Exists, store.Inserted},
				f.user("x", "xeno"), first, second, f.user("y", "yves"))
			f.wantRow(first)
		}
	})
	t.Run("with two sagas for one Id lets the second win when the first cannot", func(t *testing.T) {
		f := newFixture(t, open)
		removed, refused, winner := f.user("a", "ann"), f.user("b", "ann"), f.user("c", "ann")
		refused.Phone = strings.Repeat("9", 101)
		f.remove(removed.Key)
		f.wantVerdicts([]store.Verdict{store.Removed, store.Refused, store.Inserted, store.Exists},
			removed, refused, winner, f.user("d", "ann"))
		f.wantRow(winner)
	})
	t.Run("of thousands settles each", func(t *testing.T) { largeBatch(t, newFixture(t, open)) })
	t.Run("of many megabytes settles each", func(t *testing.T) {
		f := newFixture(t, open)
		var users []store.User
		for i := range 20 {
			u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
			u.Image = strings.Repeat(string(rune('a'+i)), 200<<10)
			users = append(users, u)
		}
		f.wantVerdicts(slices.Repeat([]store.Verdict{store.Inserted}, len(users)), users...)
		for _, u := range users {
			f.wantRow(u)
		}
	})
}

// largeBatch inserts many users among whom some exist, some are redelivered, some
// share an Id and some are refused.
func largeBatch(t *testing.T, f *fixture) {
	const n = 2000
	var users, before []store.User
	want := make([]store.Verdict, n)
	for i := range n {
		u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
		want[i] = store.Inserted
		switch {
		case i%401 == 7: // exists
			before = append(before, f.user(fmt.Sprint("earlier", i), fmt.Sprint(i)))
			want[i] = store.Exists
		case i%97 == 5: // redelivered
			before = append(before, u)
		case i%503 == 11: // the Id of the user before it
			u.ID, want[i] = users[i-1].ID, store.Exists
		case i%701 == 13:
			u.Name, want[i] = strings.Repeat("ñ", 101), store.Refused
		}
		users = append(users, u)
	}
	f.insert(before...)
	f.wantVerdicts(want, users...)
	for i, u := range users {
		if want[i] == store.Inserted && i%10 == 0 {
			f.wantRow(u)
		}
	}
}
