package storetest

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/create-user/create-user/services/user-writer/store"
)

// history is what the replicas of a random run were told about one saga.
type history struct {
	user     store.User
	verdicts map[store.Verdict]int // how often each was heard
	removed  bool                  // a removal was asked for
}

// ledger holds the histories of all sagas of a run.
type ledger struct {
	mu    sync.Mutex // guards what follows
	sagas map[store.Key]*history
}

func (l *ledger) heard(u store.User, v store.Verdict) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sagas[u.Key].verdicts[v]++
}

func (l *ledger) removing(k store.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sagas[k].removed = true
}

// anyOrder lets replicas insert and remove a few sagas, over and over, for fewer Ids,
// and then compares what they were told with what stands. Removals fall on some of the
// sagas only, so that some rows stay.
func anyOrder(f *fixture) {
	const ids, perID, steps = 12, 4, 100
	seed := rand.Uint64()
	f.t.Logf("seed %d (the replicas' timing is not repeated by it)", seed)
	fs := f.replicas()
	l := &ledger{sagas: map[store.Key]*history{}}
	var users, removable []store.User
	for i := range ids * perID {
		u := f.user(fmt.Sprint("s", i), fmt.Sprint(i%ids))
		l.sagas[u.Key] = &history{user: u, verdicts: map[store.Verdict]int{}}
		users = append(users, u)
		if (i/ids+i)%3 == 0 {
			removable = append(removable, u)
		}
	}
	untouched := f.user("bystander", "bystander")
	f.wantVerdict(store.Inserted, untouched)

	atOnce(fs, func(i int, f *fixture) {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		for range steps {
			if r.IntN(4) == 0 {
				l.removeSome(f, r, removable)
			} else {
				l.insertSome(f, r, users)
			}
		}
	})

	f.wantRow(untouched)
	l.compare(f)
	l.redeliver(f, users)
}

func (l *ledger) insertSome(f *fixture, r *rand.Rand, users []store.User) {
	batch := make([]store.User, 1+r.IntN(10))
	for i := range batch {
		batch[i] = users[r.IntN(len(users))]
	}
	results, err := f.Insert(f.t.Context(), batch)
	if err != nil {
		f.t.Errorf("insert: %v", err)
		return
	}
	for i, res := range results {
		l.heard(batch[i], res.Verdict)
	}
}

func (l *ledger) removeSome(f *fixture, r *rand.Rand, users []store.User) {
	keys := make([]store.Key, 1+r.IntN(3))
	for i := range keys {
		keys[i] = users[r.IntN(len(users))].Key
		l.removing(keys[i])
	}
	if err := f.Remove(f.t.Context(), keys); err != nil {
		f.t.Errorf("remove: %v", err)
	}
}

// compare checks that a row stands exactly if the last word to its saga was that it
// is inserted.
func (l *ledger) compare(f *fixture) {
	winners := map[string]store.User{} // the sagas whose row must stand, by Id
	tried := map[string]bool{}         // Ids that a saga inserted at some time
	for _, h := range l.sagas {
		id := h.user.ID
		tried[id] = tried[id] || h.verdicts[store.Inserted] > 0
		if h.verdicts[store.Inserted] > 0 && !h.removed {
			if other, ok := winners[id]; ok {
				f.t.Errorf("two sagas won the Id %q: %s and %s", id, other.Saga, h.user.Saga)
			}
			winners[id] = h.user
		}
		if h.verdicts[store.Removed] > 0 && !h.removed {
			f.t.Errorf("%s was told that it is removed, but nobody removed it", h.user.Saga)
		}
		if h.verdicts[store.Refused] > 0 {
			f.t.Errorf("%s was refused", h.user.Saga)
		}
	}
	for _, h := range l.sagas {
		id := h.user.ID
		if h.verdicts[store.Exists] > 0 && !tried[id] {
			f.t.Errorf("%s was told that %q exists, but nobody inserted it", h.user.Saga, id)
		}
		if winner, ok := winners[id]; ok {
			f.wantRow(winner)
		} else {
			f.wantNoRow(id)
		}
	}
	if len(winners) == 0 {
		f.t.Error("no saga won: the run shows nothing")
	}
}

// redeliver delivers every saga once more: what was decided stays decided.
func (l *ledger) redeliver(f *fixture, users []store.User) {
	var decided []store.User
	var want []store.Verdict
	for _, u := range users {
		switch h := l.sagas[u.Key]; {
		case h.removed:
			decided, want = append(decided, u), append(want, store.Removed)
		case h.verdicts[store.Inserted] > 0:
			decided, want = append(decided, u), append(want, store.Inserted)
		}
	}
	f.wantVerdicts(want, decided...)
	l.compare(f)
}
