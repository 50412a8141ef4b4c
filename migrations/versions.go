package migrations

import (
	"context"
	"fmt"

	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

// versionTable is where goose notes what was applied. The database is shared with
// other services, which may have a goose table of their own.
const versionTable = "create_user_migrations"

// parts is what differs between the databases.
type parts struct {
	goose  database.Dialect
	create string // creates versionTable unless it exists
	insert string // inserts a version unless it stands there
	locker lock.SessionLocker
}

func partsOf(dialect Dialect) (parts, error) {
	switch dialect {
	case MySQL:
		return parts{
			goose: database.DialectMySQL,
			create: `CREATE TABLE IF NOT EXISTS ` + versionTable + ` (
				id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
				version_id BIGINT NOT NULL UNIQUE,
				is_applied BOOLEAN NOT NULL,
				tstamp DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
			) ENGINE = InnoDB`,
			insert: `INSERT INTO ` + versionTable + ` (version_id, is_applied) VALUES (?, TRUE)
				ON DUPLICATE KEY UPDATE version_id = version_id`,
			locker: namedLock{},
		}, nil
	case SQLite:
		return parts{
			goose: database.DialectSQLite3,
			create: `CREATE TABLE IF NOT EXISTS ` + versionTable + ` (
				id INTEGER PRIMARY KEY AUTOINCREMENT,
				version_id INTEGER NOT NULL UNIQUE,
				is_applied INTEGER NOT NULL,
				tstamp TIMESTAMP NOT NULL DEFAULT (datetime('now'))
			)`,
			insert: `INSERT INTO ` + versionTable + ` (version_id, is_applied) VALUES (?, TRUE)
				ON CONFLICT (version_id) DO NOTHING`,
			locker: writeLock{},
		}, nil
	}
	return parts{}, fmt.Errorf("no migrations for the database %q: there are %q and %q", dialect, MySQL, SQLite)
}

// versions is goose's own bookkeeping, but for two things that may happen twice
// here: its table is created before any lock is held, and a replica may die between
// the table and its first row, after which goose alone would refuse for ever.
//
// It embeds the interface, so goose does not see the shortcut (TableExists) that
// would take such a half-made table for a whole one.
type versions struct {
	database.Store
	parts parts
}

func newVersions(p parts) (*versions, error) {
	store, err := database.NewStore(p.goose, versionTable)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", versionTable, err)
	}
	return &versions{Store: store, parts: p}, nil
}

// CreateVersionTable implements [database.Store].
func (v *versions) CreateVersionTable(ctx context.Context, db database.DBTxConn) error {
	if _, err := db.ExecContext(ctx, v.parts.create); err != nil {
		return fmt.Errorf("create %s: %w", versionTable, err)
	}
	return nil
}

// Insert implements [database.Store].
func (v *versions) Insert(ctx context.Context, db database.DBTxConn, req database.InsertRequest) error {
	if _, err := db.ExecContext(ctx, v.parts.insert, req.Version); err != nil {
		return fmt.Errorf("note version %d in %s: %w", req.Version, versionTable, err)
	}
	return nil
}
