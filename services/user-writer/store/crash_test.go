package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
)

func testUser(saga, id string) User {
	return User{Key: Key{saga, "user"}, ID: id, Phone: "p", Password: "w", Name: saga, Image: "i"}
}

func verdictsOf(results []Result) []Verdict {
	verdicts := make([]Verdict, len(results))
	for i, r := range results {
		verdicts[i] = r.Verdict
	}
	return verdicts
}

// crashes are the ways in which a call to the database can fail.
var crashes = []struct {
	name     string
	fault    error
	executed bool
	heals    bool // the store repeats the work by itself
}{
	{"the connection breaks before the call", driver.ErrBadConn, false, false},
	{"the connection breaks before the answer", driver.ErrBadConn, true, false},
	{"the call meets a deadlock", errDeadlock, false, true},
}

// Whatever call fails, and whether or not it took effect, the same Insert made again
// tells the truth.
func TestInsert_BrokenAtEveryPoint(t *testing.T) {
	for _, crash := range crashes {
		t.Run(crash.name, func(t *testing.T) {
			f := &faults{}
			s := openFaulty(t, filepath.Join(t.TempDir(), "users.db"), f)
			for n := 0; ; n++ {
				name := func(s string) string { return fmt.Sprint(s, n) }
				old, gone := testUser(name("old"), name("1")), testUser(name("gone"), name("2"))
				insertCleanly(t, s, []User{old, gone}, []Verdict{Inserted, Inserted})
				if err := s.Remove(t.Context(), []Key{gone.Key}); err != nil {
					t.Fatal(err)
				}
				long := testUser(name("long"), name("3"))
				long.Name = strings.Repeat("x", 101)
				users := []User{
					testUser(name("a"), name("4")), gone, long, testUser(name("b"), name("4")), old, testUser(name("c"), name("1")),
				}
				want := []Verdict{Inserted, Removed, Refused, Exists, Inserted, Exists}

				f.arm(n, crash.fault, crash.executed)
				results, err := s.Insert(t.Context(), users)
				struck := f.disarm()
				switch {
				case err == nil:
					if diff := cmp.Diff(want, verdictsOf(results)); diff != "" {
						t.Errorf("broken at call %d: verdicts (-want +got):\n%s", n, diff)
					}
				case !Unavailable(err) || crash.heals:
					t.Errorf("broken at call %d: %v", n, err)
				}
				insertCleanly(t, s, users, want)
				if !struck {
					return
				}
			}
		})
	}
}

// Whatever call fails, and whether or not it took effect, the same Remove made again
// removes the sagas' rows and no other's.
func TestRemove_BrokenAtEveryPoint(t *testing.T) {
	for _, crash := range crashes {
		t.Run(crash.name, func(t *testing.T) {
			f := &faults{}
			s := openFaulty(t, filepath.Join(t.TempDir(), "users.db"), f)
			for n := 0; ; n++ {
				name := func(s string) string { return fmt.Sprint(s, n) }
				a, b, unknown := testUser(name("a"), name("1")), testUser(name("b"), name("2")), testUser(name("c"), name("3"))
				insertCleanly(t, s, []User{a, b}, []Verdict{Inserted, Inserted})

				f.arm(n, crash.fault, crash.executed)
				err := s.Remove(t.Context(), []Key{unknown.Key, a.Key})
				struck := f.disarm()
				if err != nil && (!Unavailable(err) || crash.heals) {
					t.Errorf("broken at call %d: %v", n, err)
				}
				if err := s.Remove(t.Context(), []Key{unknown.Key, a.Key}); err != nil {
					t.Fatal(err)
				}
				// The Id is free, and the sagas cannot take it.
				insertCleanly(t, s, []User{a, unknown, testUser(name("d"), name("1")), b}, []Verdict{Removed, Removed, Inserted, Inserted})
				if !struck {
					return
				}
			}
		})
	}
}

func insertCleanly(t *testing.T, s Store, users []User, want []Verdict) {
	t.Helper()
	results, err := s.Insert(t.Context(), users)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, verdictsOf(results)); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestTransact_RepeatsAConflictUntilTheContextEnds(t *testing.T) {
	s := openFaulty(t, filepath.Join(t.TempDir(), "users.db"), &faults{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tries := 0
	err := s.transact(ctx, func(*sqlx.Tx) error {
		if tries++; tries == 3 {
			cancel()
		}
		return &fault{conflict, "met another"}
	})
	if tries != 3 || !errors.Is(err, context.Canceled) || !Unavailable(err) {
		t.Errorf("after %d tries: %v", tries, err)
	}
}

func TestBatches_AreBoundInRowsAndBytes(t *testing.T) {
	for _, test := range []struct {
		name  string
		sizes []int
		want  [][]int
	}{
		{"none", nil, nil},
		{"one", []int{1}, [][]int{{1}}},
		{"as many rows as allowed", []int{1, 1, 1}, [][]int{{1, 1, 1}}},
		{"a row too many", []int{1, 1, 1, 2}, [][]int{{1, 1, 1}, {2}}},
		{"as many bytes as allowed", []int{4, 6, 10}, [][]int{{4, 6}, {10}}},
		{"a byte too many", []int{4, 7}, [][]int{{4}, {7}}},
		{"too large alone", []int{1, 11, 12, 1, 1}, [][]int{{1}, {11}, {12}, {1, 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var entries []*entry
			for _, n := range test.sizes {
				entries = append(entries, &entry{User: User{Image: strings.Repeat("x", n)}})
			}
			var got [][]int
			for _, b := range batches(entries, 3, 10) {
				var sizes []int
				for _, e := range b {
					sizes = append(sizes, len(e.Image))
				}
				got = append(got, sizes)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
