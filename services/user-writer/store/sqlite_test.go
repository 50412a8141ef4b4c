package store_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/services/user-writer/store/storetest"
)

func TestSQLite_IsAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	storetest.Run(t, func(t testing.TB) store.Store { return openSQLite(t, path) })
}

func TestOpenSQLite(t *testing.T) {
	t.Run("opens a new file for eight replicas at once", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.db")
		begin := make(chan struct{})
		var done sync.WaitGroup
		for i := range 8 {
			done.Go(func() {
				<-begin
				s, err := store.OpenSQLite(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				insert(t, s, user(strconv.Itoa(i)))
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		done.Wait()
	})
	t.Run("keeps what was inserted when it is opened again, under any name", func(t *testing.T) {
		for _, name := range []string{"users.db", "a b?c=d&e#f%20g.db", "käse.db", "mode=memory"} {
			path := filepath.Join(t.TempDir(), name)
			s := openSQLite(t, path)
			insert(t, s, user("a"))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("the file is not where it was asked for: %v", err)
			}
			s = openSQLite(t, path)
			if got, ok, err := s.Find(t.Context(), "a"); err != nil || !ok || got != user("a") {
				t.Errorf("found %v, %t, %v", got, ok, err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("refuses a file that is no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "users.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := store.OpenSQLite(t.Context(), path); err == nil || store.Unavailable(err) {
			t.Errorf("the error is %v", err)
		}
	})
}

func openSQLite(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// user returns a user whose saga and Id have this name.
func user(name string) store.User {
	return store.User{
		Key: store.Key{Saga: name, User: "user"}, ID: name, Phone: "phone", Password: "password", Name: "name", Image: "image",
	}
}

func insert(t testing.TB, s store.Store, users ...store.User) {
	t.Helper()
	results, err := s.Insert(t.Context(), users)
	if err != nil {
		t.Error(err)
	}
	for i, r := range results {
		if r.Verdict != store.Inserted {
			t.Errorf("user %d is %v: %v", i, r.Verdict, r.Err)
		}
	}
}
