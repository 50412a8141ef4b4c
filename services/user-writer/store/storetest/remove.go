package storetest

import (
	"fmt"
	"slices"

	"github.com/create-user/create-user/services/user-writer/store"
)

func removeScenes() []scene {
	return []scene{
		{"deletes the row and refuses the saga from then on", removed},
		{"leaves the Id free for another saga", idFree},
		{"before the insert refuses the insert", removedFirst},
		{"again removes nothing that came since", removedAgain},
		{"of a saga that lost its Id to another leaves the other's row", loserRemoved},
		{"of one saga id leaves the same id of another user", otherHashLeft},
		{"of none does nothing", func(f *fixture) { f.remove() }},
		{"of many, known and unknown, deletes exactly theirs", manyRemoved},
	}
}

func removed(f *fixture) {
	u := f.user("a", "ann")
	f.insert(u)
	f.remove(u.Key)
	f.wantNoRow(u.ID)
	f.wantVerdict(store.Removed, u)
	f.wantNoRow(u.ID)
}

func idFree(f *fixture) {
	u, next := f.user("a", "ann"), f.user("b", "ann")
	f.insert(u)
	f.remove(u.Key)
	f.wantVerdict(store.Inserted, next)
	f.wantRow(next)
}

func removedFirst(f *fixture) {
	u := f.user("a", "ann")
	f.remove(u.Key)
	f.wantVerdict(store.Removed, u)
	f.wantNoRow(u.ID)
}

func removedAgain(f *fixture) {
	u, next := f.user("a", "ann"), f.user("b", "ann")
	f.insert(u)
	f.remove(u.Key)
	f.insert(next)
	f.remove(u.Key)
	f.remove(u.Key, u.Key)
	f.wantRow(next)
}

func loserRemoved(f *fixture) {
	winner, loser := f.user("a", "ann"), f.user("b", "ann")
	f.wantVerdicts([]store.Verdict{store.Inserted, store.Exists}, winner, loser)
	f.remove(loser.Key)
	f.wantRow(winner)
	f.wantVerdict(store.Removed, loser)
}

func otherHashLeft(f *fixture) {
	u, v := f.user("a", "ann"), f.user("a", "bob")
	v.Key.User = "another-user"
	f.insert(u, v)
	f.remove(u.Key)
	f.wantNoRow(u.ID)
	f.wantRow(v)
	f.wantVerdicts([]store.Verdict{store.Removed, store.Inserted}, u, v)
}

func manyRemoved(f *fixture) {
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
}
