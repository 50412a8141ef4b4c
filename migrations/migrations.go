package migrations

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"time"

	"github.com/pressly/goose/v3"
)

// Dialect names a kind of database.
type Dialect string

// The databases that there are migrations for.
const (
	MySQL  Dialect = "mysql" // MySQL 8.0.17 and later, MariaDB 10.5 and later
	SQLite Dialect = "sqlite"
)

//go:embed mysql/*.sql sqlite/*.sql
var files embed.FS

// Applied is one migration that [Up] has applied.
type Applied struct {
	Version int64
	Name    string // the file, without its folder
	Took    time.Duration
}

// State is one migration as [Status] found it.
type State struct {
	Version int64
	Name    string    // the file, without its folder
	At      time.Time // when it was applied; zero: it is pending
}

// Pending reports whether the migration has yet to be applied.
func (s State) Pending() bool { return s.At.IsZero() }

// Up applies the pending migrations in order and returns those that this call
// applied: none when another replica was first. After an error it may be called
// again; [Status] says what stands.
//
// On MySQL the connections must parse times (parseTime=true), use UTC, and belong
// to a user that may create tables. On SQLite they must have a busy timeout, which
// is how long a replica waits for another.
func Up(ctx context.Context, db *sql.DB, dialect Dialect) ([]Applied, error) {
	p, err := provider(db, dialect, true)
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("apply migrations: %w", err)
	}
	applied := make([]Applied, len(results))
	for i, r := range results {
		applied[i] = Applied{Version: r.Source.Version, Name: path.Base(r.Source.Path), Took: r.Duration}
	}
	return applied, nil
}

// Status returns every migration in order, applied or pending. It waits for no
// lock. Its demands on the connections are those of [Up], but a user that may only
// read will do once the first Up has run.
func Status(ctx context.Context, db *sql.DB, dialect Dialect) ([]State, error) {
	p, err := provider(db, dialect, false)
	if err != nil {
		return nil, err
	}
	found, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of the migrations: %w", err)
	}
	states := make([]State, len(found))
	for i, f := range found {
		states[i] = State{Version: f.Source.Version, Name: path.Base(f.Source.Path), At: f.AppliedAt}
	}
	return states, nil
}

// provider returns goose set up for one dialect; locked: with the lock that keeps
// replicas apart.
func provider(db *sql.DB, dialect Dialect, locked bool) (*goose.Provider, error) {
	d, err := partsOf(dialect)
	if err != nil {
		return nil, err
	}
	sources, err := fs.Sub(files, string(dialect))
	if err != nil {
		return nil, fmt.Errorf("open the migrations for %s: %w", dialect, err)
	}
	versions, err := newVersions(d)
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{
		goose.WithStore(versions),
		goose.WithDisableGlobalRegistry(true),
		// No transaction of goose's own: MySQL has none for definitions, and on SQLite
		// the lock is one.
		goose.WithIsolateDDL(true),
	}
	if locked {
		options = append(options, goose.WithSessionLocker(d.locker))
	}
	p, err := goose.NewProvider(goose.DialectCustom, db, sources, options...)
	if err != nil {
		return nil, fmt.Errorf("load the migrations for %s: %w", dialect, err)
	}
	return p, nil
}
