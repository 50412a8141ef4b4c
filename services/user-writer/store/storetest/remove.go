package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
)

func runRemove(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("deletes the row and refuses the saga from then on", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.insert(u)
		f.remove(u.Key)
		f.wantNoRow(u.ID)
		f.wantVerdict(store.Removed, u)
		f.wantNoRow(u.ID)
	})
	t.Run("leaves the Id free for another saga", func(t *testing.T) {
		f := newFixture(t, open)
		u, next := f.user("a", "ann"), f.user("b", "ann")
		f.insert(u)
		f.remove(u.Key)
		f.wantVerdict(store.Inserted, next)
		f.wantRow(next)
	})
	t.Run("before the insert refuses the insert", func(t *testing.T) {
		f := newFixture(t, open)
		u := f.user("a", "ann")
		f.remove(u.Key)
		f.wantVerdict(store.Removed, u)
		f.wantNoRow(u.ID)
	})
	t.Run("again removes nothing that came since", func(t *testing.T) {
		f := newFixture(t, open)
		u, next := f.user("a", "ann"), f.user("b", "ann")
		f.insert(u)
		f.remove(u.Key)
		f.insert(next)
		f.remove(u.Key)
		f.remove(u.Key, u.Key)
		f.wantRow(next)
	})
	t.Run("of a saga that lost its Id to another leaves the other's row", func(t *testing.T) {
		f := newFixture(t, open)
		winner, loser := f.user("a", "ann"), f.user("b", "ann")
		f.wantVerdicts([]store.Verdict{store.Inserted, store.Exists}, winner, loser)
		f.remove(loser.Key)
		f.wantRow(winner)
		f.wantVerdict(store.Removed, loser)
	})
	t.Run("of one saga id leaves the same id of another user", func(t *testing.T) {
		f := newFixture(t, open)
		u, v := f.user("a", "ann"), f.user("a", "bob")
		v.Key.User = "another-user"
		f.insert(u, v)
		f.remove(u.Key)
		f.wantNoRow(u.ID)
		f.wantRow(v)
		f.wantVerdicts([]store.Verdict{store.Removed, store.Inserted}, u, v)
	})
	t.Run("of none does nothing", func(t *testing.T) {
		newFixture(t, open).remove()
	})
	t.Run("of many, known and unknown, deletes exactly theirs", func(t *testing.T) {
		f := newFixture(t, open)
		var users, doomed []store.User
		var keys []store.Key
		for i := range 600 {
			u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
			users = append(users, u)
			if i%2 == 0 {
				doomed = append(doomed, u)
				keys = append(keys, u.Key, f.key(fmt.Sprint("unknown", i)))
			}
		}
		f.insert(users...)
		f.remove(keys...)
		want := make([]store.Verdict, len(users))
		for i := range users {
			want[i] = []store.Verdict{store.Removed, store.Inserted}[i%2]
		}
		f.wantVerdicts(want, users...)
		for i, u := range users {
			if i%2 == 1 && i%15 == 0 {
				f.wantRow(u)
			}
		}
		for u := range slices.Chunk(doomed, 10) {
			f.wantNoRow(u[0].ID)
		}
	})
}
