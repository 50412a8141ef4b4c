// Package migrationstest tests the migrations against a real database. The same
// suite runs on SQLite in this module and on MariaDB where the tree has one.
package migrationstest

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/migrations"
)

// Fresh makes a new, empty database and returns a function that connects to it.
// Every connection pool that open returns is a replica of its own; Fresh sees to
// closing them.
type Fresh func(testing.TB) (open func(testing.TB) *sql.DB)

// Run runs the suite.
func Run(t *testing.T, dialect migrations.Dialect, fresh Fresh) {
	t.Helper()
	s := suite{dialect: dialect, fresh: fresh}
	t.Run("a fresh database gets every migration, once", s.everyMigrationOnce)
	t.Run("eight replicas at once apply every migration once", s.replicasAtOnce)
	t.Run("an untouched database has every migration pending", s.allPending)
	t.Run("a replica that died before its first note is made up for", s.halfMadeBookkeeping)
	t.Run("a replica that died between a table and its note is made up for", s.unnotedTable)
	t.Run("a database that is ahead of this program is left alone", s.aheadOfProgram)
	t.Run("an existing Users table is adopted unaltered", s.adopted)
}

type suite struct {
	dialect migrations.Dialect
	fresh   Fresh
}

func (s suite) everyMigrationOnce(t *testing.T) {
	db := s.fresh(t)(t)
	first := s.up(t, db)
	if len(first) == 0 || len(first) != len(s.status(t, db)) {
		t.Errorf("the first Up applied %d migrations of %d", len(first), len(s.status(t, db)))
	}
	for _, state := range s.status(t, db) {
		if state.Pending() {
			t.Errorf("%s is still pending after Up", state.Name)
		}
	}
	if again := s.up(t, db); len(again) != 0 {
		t.Errorf("the second Up applied %v", again)
	}
	exec(t, db, `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES ('a', '', '', '', '')`)
	exec(t, db, `INSERT INTO create_user_inbox (saga, user_hash, Id, state, changed)
		VALUES ('s', 'h', 'a', 'inserted', '2026-01-01 00:00:00')`)
}

func (s suite) replicasAtOnce(t *testing.T) {
	const replicas = 8
	open := s.fresh(t)
	var (
		mu      sync.Mutex // guards applied
		applied = map[int64]int{}
		begin   = make(chan struct{})
		done    sync.WaitGroup
	)
	for range replicas {
		db := open(t)
		done.Go(func() {
			<-begin
			got, err := migrations.Up(t.Context(), db, s.dialect)
			if err != nil {
				t.Errorf("a replica's Up: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, a := range got {
				applied[a.Version]++
			}
		})
	}
	close(begin)
	done.Wait()

	want := map[int64]int{}
	for _, state := range s.status(t, open(t)) {
		want[state.Version] = 1
	}
	if diff := cmp.Diff(want, applied); diff != "" {
		t.Errorf("how many replicas applied each version (-want +got):\n%s", diff)
	}
}

func (s suite) allPending(t *testing.T) {
	states := s.status(t, s.fresh(t)(t))
	if len(states) == 0 || slices.ContainsFunc(states, func(st migrations.State) bool { return !st.Pending() }) {
		t.Errorf("the states are %v, want all pending", states)
	}
}

func (s suite) halfMadeBookkeeping(t *testing.T) {
	db := s.fresh(t)(t)
	s.status(t, db) // makes the table
	exec(t, db, `DELETE FROM create_user_migrations`)
	if got := s.up(t, db); len(got) == 0 {
		t.Error("Up applied nothing")
	}
}

func (s suite) unnotedTable(t *testing.T) {
	db := s.fresh(t)(t)
	all := s.up(t, db)
	last := all[len(all)-1].Version
	exec(t, db, `DELETE FROM create_user_migrations WHERE version_id = ?`, last)
	if again := s.up(t, db); len(again) != 1 || again[0].Version != last {
		t.Errorf("Up applied %v, want version %d alone", again, last)
	}
}

func (s suite) aheadOfProgram(t *testing.T) {
	db := s.fresh(t)(t)
	s.up(t, db)
	exec(t, db, `INSERT INTO create_user_migrations (version_id, is_applied) VALUES (9999, TRUE)`)
	if got := s.up(t, db); len(got) != 0 {
		t.Errorf("Up applied %v", got)
	}
}

func (s suite) up(t testing.TB, db *sql.DB) []migrations.Applied {
	t.Helper()
	applied, err := migrations.Up(t.Context(), db, s.dialect)
	if err != nil {
		t.Fatal(err)
	}
	return applied
}

func (s suite) status(t testing.TB, db *sql.DB) []migrations.State {
	t.Helper()
	states, err := migrations.Status(t.Context(), db, s.dialect)
	if err != nil {
		t.Fatal(err)
	}
	return states
}

func exec(t testing.TB, db *sql.DB, query string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
