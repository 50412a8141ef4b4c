// Package store runs the suites of the user-writer's store and of the
// migrations against a real MariaDB.
package store

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/migrations/migrationstest"
	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/services/user-writer/store/storetest"
	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

// settings returns how to reach an empty database.
func settings(t testing.TB) store.MySQL {
	t.Helper()
	config, err := mysql.ParseDSN(parts.MariaDB(t).Database(t))
	if err != nil {
		t.Fatal(err)
	}
	return store.MySQL{Address: config.Addr, User: config.User, Password: config.Passwd, Database: config.DBName}
}

func connect(t testing.TB, m store.MySQL) *sql.DB {
	t.Helper()
	db, err := m.Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestStore_OnMariaDB(t *testing.T) {
	m := settings(t) // one database for all: the suite opens it as several replicas do
	if _, err := migrations.Up(t.Context(), connect(t, m), migrations.MySQL); err != nil {
		t.Fatal(err)
	}
	storetest.Run(t, func(t testing.TB) store.Store {
		s, err := store.OpenMySQL(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func TestMigrations_OnMariaDB(t *testing.T) {
	migrationstest.Run(t, migrations.MySQL, func(t testing.TB) func(testing.TB) *sql.DB {
		m := settings(t)
		return func(t testing.TB) *sql.DB { return connect(t, m) }
	})
}
