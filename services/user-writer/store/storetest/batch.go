package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/create-user/create-user/services/user-writer/store"
)

func batchScenes() []scene {
	return []scene{
		{"of none is answered with none", func(f *fixture) { f.wantVerdicts([]store.Verdict{}) }},
		{"settles each saga by itself, in the given order", mixedBatch},
		{"with one saga twice gives it one verdict and one row", sagaTwice},
		{"with two sagas for one Id lets the first win", firstWins},
		{"with two sagas for one Id lets the second win when the first cannot", secondWins},
		{"of thousands settles each", largeBatch},
		{"of many megabytes settles each", heavyBatch},
	}
}

func mixedBatch(f *fixture) {
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
}

func sagaTwice(f *fixture) {
	u, v := f.user("a", "ann"), f.user("b", "bob")
	f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted, store.Inserted}, u, v, u)
	f.wantRow(u)
	f.wantRow(v)
}

func firstWins(f *fixture) {
	for _, order := range [][]string{{"a", "b"}, {"d", "c"}} {
		id := order[0]
		first, second := f.user(order[0], id), f.user(order[1], id)
		f.wantVerdicts([]store.Verdict{store.Inserted, store.Inserted, store.Exists, store.Inserted},
			f.user("x"+id, "xeno"+id), first, second, f.user("y"+id, "yves"+id))
		f.wantRow(first)
	}
}

func secondWins(f *fixture) {
	removed, refused, winner := f.user("a", "ann"), f.user("b", "ann"), f.user("c", "ann")
	refused.Phone = strings.Repeat("9", 101)
	f.remove(removed.Key)
	f.wantVerdicts([]store.Verdict{store.Removed, store.Refused, store.Inserted, store.Exists},
		removed, refused, winner, f.user("d", "ann"))
	f.wantRow(winner)
}

// largeBatch inserts many users among whom some exist, some are redelivered, some
// share an Id and some are refused.
func largeBatch(f *fixture) {
	const n = 1000
	var users, before []store.User
	want := slices.Repeat([]store.Verdict{store.Inserted}, n)
	for i := range n {
		u := f.user(fmt.Sprint("s", i), fmt.Sprint(i))
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
		if want[i] == store.Inserted && i%20 == 0 {
			f.wantRow(u)
		}
	}
}

func heavyBatch(f *fixture) {
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
}
