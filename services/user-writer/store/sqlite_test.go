package store_test

import (
	"path/filepath"
	"testing"

	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/services/user-writer/store/storetest"
)

func TestSQLite_IsAStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.db")
	storetest.Run(t, func(t testing.TB) store.Store { return openSQLite(t, path) })
}

func openSQLite(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := store.OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
