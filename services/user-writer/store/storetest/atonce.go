package storetest

import (
	"fmt"
	"slices"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/user-writer/store"
)

const (
	replicas = 4  // how many stores work at once in a test
	rounds   = 15 // how often they meet
)

func atOnceScenes() []scene {
	return []scene{
		{"of sagas racing for one Id exactly one wins", oneWinner},
		{"a saga delivered to every replica is told by each that it inserted", deliveredToAll},
		{"an insert racing with its saga's removal leaves no row", insertAgainstRemove},
		{"a removal racing with the Id's next saga touches no row of that", removeAgainstNext},
		{"any order of anything keeps every word", anyOrder},
	}
}

func oneWinner(f *fixture) {
	fs := f.replicas()
	for round := range rounds {
		id := fmt.Sprint("contested", round)
		verdicts := make([]store.Verdict, len(fs))
		atOnce(fs, func(i int, f *fixture) {
			verdicts[i] = f.insert(f.user(fmt.Sprint("r", round, "s", i), id))[0]
		})
		winner := slices.Index(verdicts, store.Inserted)
		if winner < 0 {
			f.t.Fatalf("round %d: nobody won: %v", round, verdicts)
		}
		want := slices.Repeat([]store.Verdict{store.Exists}, len(fs))
		want[winner] = store.Inserted
		if diff := cmp.Diff(want, verdicts); diff != "" {
			f.t.Errorf("round %d: verdicts (-want +got):\n%s", round, diff)
		}
		f.wantRow(f.user(fmt.Sprint("r", round, "s", winner), id))
	}
}

func deliveredToAll(f *fixture) {
	fs := f.replicas()
	for round := range rounds {
		var batch []store.User
		for i := range 10 {
			batch = append(batch, f.user(fmt.Sprint("r", round, "s", i), fmt.Sprint("r", round, "u", i)))
		}
		want := slices.Repeat([]store.Verdict{store.Inserted}, len(batch))
		atOnce(fs, func(i int, f *fixture) {
			mine := slices.Clone(batch)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			f.wantVerdicts(want, mine...)
		})
		f.wantRow(batch[round%len(batch)])
	}
}

func insertAgainstRemove(f *fixture) {
	fs := f.replicas()
	for round := range rounds {
		u := f.user(fmt.Sprint("r", round), fmt.Sprint("u", round))
		atOnce(fs, func(i int, f *fixture) {
			if i%2 == 0 {
				f.remove(u.Key)
			} else if v := f.insert(u)[0]; v != store.Inserted && v != store.Removed {
				f.t.Errorf("the insert is %v", v)
			}
		})
		f.wantNoRow(u.ID)
		f.wantVerdict(store.Removed, u)
	}
}

func removeAgainstNext(f *fixture) {
	fs := f.replicas()
	for round := range rounds {
		id := fmt.Sprint("u", round)
		first, next := f.user(fmt.Sprint("r", round, "first"), id), f.user(fmt.Sprint("r", round, "next"), id)
		f.wantVerdict(store.Inserted, first)
		atOnce(fs, func(i int, f *fixture) {
			if i%2 == 0 {
				f.remove(first.Key)
			} else {
				f.insert(next)
			}
		})
		f.wantVerdict(store.Inserted, next) // the Id is free by now
		f.wantRow(next)
	}
}

// replicas returns fixtures of several replicas, all with the same names.
func (f *fixture) replicas() []*fixture {
	f.t.Helper()
	fs := []*fixture{f}
	for len(fs) < replicas {
		fs = append(fs, f.replica())
	}
	return fs
}

// atOnce runs work for every replica at the same moment and waits for all.
func atOnce(fs []*fixture, work func(i int, f *fixture)) {
	begin := make(chan struct{})
	var done sync.WaitGroup
	for i, f := range fs {
		done.Go(func() {
			<-begin
			work(i, f)
		})
	}
	close(begin)
	done.Wait()
}
