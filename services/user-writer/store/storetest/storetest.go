// Package storetest says what a store.Store must do, as a suite of tests that runs
// against a real database.
package storetest

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/user-writer/store"
)

// Run runs the suite. Each call of open returns another replica's store on one
// database, whose migrations are applied and whose tables are new: the suite says how
// Ids compare in those. The database may hold other users. The suite closes what it
// opens.
func Run(t *testing.T, open func(testing.TB) store.Store) {
	t.Helper()
	for group, scenes := range map[string][]scene{
		"insert":  insertScenes(),
		"batch":   batchScenes(),
		"remove":  removeScenes(),
		"values":  valueScenes(),
		"at once": atOnceScenes(),
	} {
		t.Run(group, func(t *testing.T) {
			for _, s := range scenes {
				t.Run(s.name, func(t *testing.T) { s.play(newFixture(t, open)) })
			}
		})
	}
}

// scene is one test of the suite. Its name is a sentence, with its group's before it.
type scene struct {
	name string
	play func(*fixture)
}

// fixture is one replica's store and the names of one test.
type fixture struct {
	store.Store
	t      *testing.T
	open   func(testing.TB) store.Store
	prefix string // makes the test's sagas and Ids its own
}

func newFixture(t *testing.T, open func(testing.TB) store.Store) *fixture {
	t.Helper()
	return (&fixture{t: t, open: open, prefix: rand.Text()[:12]}).replica()
}

// replica returns the fixture with a store of its own.
func (f *fixture) replica() *fixture {
	f.t.Helper()
	other := *f
	other.Store = f.open(f.t)
	f.t.Cleanup(func() {
		if err := other.Close(); err != nil {
			other.t.Errorf("close the store: %v", err)
		}
	})
	return &other
}

// key returns the key of the saga of this name.
func (f *fixture) key(saga string) store.Key {
	return store.Key{Saga: f.prefix + "-" + saga, User: "user-" + f.prefix}
}

// user returns a user with this Id for the saga of this name. No two sagas' users are
// alike.
func (f *fixture) user(saga, id string) store.User {
	return store.User{
		Key: f.key(saga), ID: f.prefix + id,
		Phone: "phone of " + saga, Password: "password of " + saga, Name: "name of " + saga, Image: "image of " + saga,
	}
}

// insert inserts users and returns their verdicts. Like the other methods it only
// reports what goes wrong, since it may run beside the test's own goroutine.
func (f *fixture) insert(users ...store.User) []store.Verdict {
	f.t.Helper()
	verdicts := make([]store.Verdict, len(users))
	results, err := f.Insert(f.t.Context(), users)
	if err != nil || len(results) != len(users) {
		f.t.Errorf("%d results for %d users, with the error %v", len(results), len(users), err)
		return verdicts
	}
	for i, r := range results {
		verdicts[i] = r.Verdict
		if (r.Err != nil) != (r.Verdict == store.Refused) {
			f.t.Errorf("user %d is %v with the error %v", i, r.Verdict, r.Err)
		}
	}
	return verdicts
}

// wantVerdicts inserts users and compares their verdicts.
func (f *fixture) wantVerdicts(want []store.Verdict, users ...store.User) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.insert(users...)); diff != "" {
		f.t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func (f *fixture) wantVerdict(want store.Verdict, u store.User) {
	f.t.Helper()
	f.wantVerdicts([]store.Verdict{want}, u)
}

func (f *fixture) remove(keys ...store.Key) {
	f.t.Helper()
	if err := f.Remove(f.t.Context(), keys); err != nil {
		f.t.Error(err)
	}
}

// wantRow compares the row with the user's Id with the user.
func (f *fixture) wantRow(want store.User) {
	f.t.Helper()
	got, ok, err := f.Find(f.t.Context(), want.ID)
	if err != nil || !ok {
		f.t.Errorf("no row with the Id %q, with the error %v", want.ID, err)
		return
	}
	if got != want {
		f.t.Errorf("the row with the Id %q (-want +got):\n%s", want.ID, cmp.Diff(brief(want), brief(got)))
	}
}

func (f *fixture) wantNoRow(id string) {
	f.t.Helper()
	got, ok, err := f.Find(f.t.Context(), id)
	if err != nil {
		f.t.Error(err)
	}
	if ok {
		f.t.Errorf("the row with the Id %q stands, by the saga %v", got.ID, got.Key)
	}
}

// brief shortens what would swamp a report.
func brief(u store.User) store.User {
	for _, field := range []*string{&u.ID, &u.Phone, &u.Password, &u.Name, &u.Image} {
		if len(*field) > 500 {
			*field = fmt.Sprintf("%d bytes with the SHA-256 %x", len(*field), sha256.Sum256([]byte(*field)))
		}
	}
	return u
}
