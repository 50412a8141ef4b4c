package migrations_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/migrations/migrationstest"
)

// freshSQLite implements [migrationstest.Fresh].
func freshSQLite(t testing.TB) func(testing.TB) *sql.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users.db")
	return func(t testing.TB) *sql.DB {
		t.Helper()
		db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
}

func TestMigrations_OnSQLite(t *testing.T) {
	migrationstest.Run(t, migrations.SQLite, freshSQLite)
}

func TestUp_WaitsForAnotherWriterNoLongerThanItsContext(t *testing.T) {
	open := freshSQLite(t)
	other := open(t)
	other.SetMaxOpenConns(1) // so that the transaction and its end meet
	if _, err := other.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := migrations.Up(ctx, open(t), migrations.SQLite); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Up beside another writer: %v, want the end of its context", err)
	}
	if _, err := other.ExecContext(t.Context(), `COMMIT`); err != nil {
		t.Fatal(err)
	}
	if got, err := migrations.Up(t.Context(), open(t), migrations.SQLite); err != nil || len(got) == 0 {
		t.Errorf("Up after the other writer: %v, %v", got, err)
	}
}

func TestUp_WorksOnASingleConnection(t *testing.T) {
	db := freshSQLite(t)(t)
	db.SetMaxOpenConns(1)
	if got, err := migrations.Up(t.Context(), db, migrations.SQLite); err != nil || len(got) == 0 {
		t.Errorf("Up: %v, %v", got, err)
	}
}

func TestUp_RefusesAnUnknownDatabase(t *testing.T) {
	if _, err := migrations.Up(t.Context(), freshSQLite(t)(t), "oracle"); err == nil {
		t.Error("Up took an unknown dialect")
	}
	if _, err := migrations.Status(t.Context(), freshSQLite(t)(t), "oracle"); err == nil {
		t.Error("Status took an unknown dialect")
	}
}
