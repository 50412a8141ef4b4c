package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/user-writer/store"
)

// replicas is how many stores work at once in a test.
const replicas = 4

func runAtOnce(t *testing.T, open func(testing.TB) store.Store) {
	t.Run("of sagas racing for one Id exactly one wins", func(t *testing.T) {
		fs := fixtures(t, open)
		for round := range 15 {
			id := fmt.Sprint("contested", round)
			verdicts := make([]store.Verdict, len(fs))
			atOnce(fs, func(i int, f *fixture) {
				verdicts[i] = f.insert(f.user(fmt.Sprint("r", round, "s", i), id))[0]
			})
			winner := slices.Index(verdicts, store.Inserted)
			if winner < 0 {
				t.Fatalf("round %d: nobody won: %v", round, verdicts)
			}
			want := slices.Repeat([]store.Verdict{store.Exists}, len(fs))
			want[winner] = store.Inserted
			if diff := cmp.Diff(want, verdicts); diff != "" {
				t.Errorf("round %d: verdicts (-want +got):\n%s", round, diff)
			}
			fs[0].wantRow(fs[0].user(fmt.Sprint("r", round, "s", winner), id))
		}
	})
	t.Run("a saga delivered to every replica is told by each that it inserted", func(t *testing.T) {
		fs := fixtures(t, open)
		for round := range 15 {
			var batch []store.User
			for i := range 10 {
				batch = append(batch, fs[0].user(fmt.Sprint("r", round, "s", i), fmt.Sprint("r", round, "u", i)))
			}
			want := slices.Repeat([]store.Verdict{store.Inserted}, len(batch))
			atOnce(fs, func(i int, f *fixture) {
				mine := slices.Clone(batch)
				if i%2 == 1 {
					slices.Reverse(mine)
				}
				f.wantVerdicts(want, mine...)
			})
			fs[0].wantRow(batch[round%len(batch)])
		}
	})
	t.Run("an insert racing with its saga's removal leaves no row", func(t *testing.T) {
		fs := fixtures(t, open)
		for round := range 15 {
			u := fs[0].user(fmt.Sprint("r", round), fmt.Sprint("u", round))
			atOnce(fs, func(i int, f *fixture) {
				if i%2 == 0 {
					f.remove(u.Key)
				} else if v := f.insert(u)[0]; v != store.Inserted && v != store.Removed {
					t.Errorf("the insert is %v", v)
				}
			})
			fs[0].wantNoRow(u.ID)
			fs[0].wantVerdict(store.Removed, u)
		}
	})
	t.Run("a removal racing with the Id's next saga touches no row of that", func(t *testing.T) {
		fs := fixtures(t, open)
		for round := range 15 {
			id := fmt.Sprint("u", round)
			first, next := fs[0].user(fmt.Sprint("r", round, "first"), id), fs[0].user(fmt.Sprint("r", round, "next"), id)
			fs[0].wantVerdict(store.Inserted, first)
			atOnce(fs, func(i int, f *fixture) {
				if i%2 == 0 {
					f.remove(first.Key)
				} else {
					f.insert(next)
				}
			})
			fs[0].wantVerdict(store.Inserted, next) // the Id is free by now
			fs[0].wantRow(next)
		}
	})
}

// fixtures returns a fixture for each replica, all with the same names.
func fixtures(t testing.TB, open func(testing.TB) store.Store) []*fixture {
	t.Helper()
	fs := []*fixture{newFixture(t, open)}
	for len(fs) < replicas {
		f := *fs[0]
		f.Store = opened(t, open)
		fs = append(fs, &f)
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
