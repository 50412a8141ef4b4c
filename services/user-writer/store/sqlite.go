//go:build !deployed

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"regexp"

	"github.com/XSAM/otelsql"
	"github.com/jmoiron/sqlx"
	"go.opentelemetry.io/otel/trace"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/create-user/create-user/migrations"
)

// HasSQLite says whether this program can keep the users in SQLite.
const HasSQLite = true

// ConnectSQLite returns connections to the SQLite file at path, which it does not open
// yet. Several processes may use the file.
func ConnectSQLite(path string) (*sql.DB, error) { return connectSQLite(path, nil) }

func connectSQLite(path string, tracing trace.TracerProvider) (*sql.DB, error) {
	db, err := openNamed("sqlite", sqliteDSN(path), tracing)
	if err != nil {
		return nil, fmt.Errorf("read the settings of SQLite: %w", err)
	}
	// There is one writer anyway; in a queue of Go's, waiting is fair and ends with
	// the context.
	db.SetMaxOpenConns(1)
	return db, nil
}

// openNamed is [openDB] for a driver that is known by its name.
func openNamed(driverName, address string, p trace.TracerProvider) (*sql.DB, error) {
	if p == nil {
		return sql.Open(driverName, address)
	}
	return otelsql.Open(driverName, address, traceOptions(driverName, p)...)
}

// sqliteDSN returns the driver's address of the file at path.
func sqliteDSN(path string) string {
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: url.Values{
		// Every transaction here writes, so it takes the write lock at its beginning: a
		// lock that is taken later may find that the file has moved on, and fail.
		"_txlock": {"immediate"},
		// With synchronous=NORMAL a commit survives the death of the process, and is not
		// flushed to the disk: the last ones may fall to a loss of power, whole.
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(NORMAL)"},
	}.Encode()}
	return u.String()
}

// OpenSQLite returns the store in the SQLite file at path. It creates the file, and
// applies the migrations.
func OpenSQLite(ctx context.Context, path string) (Store, error) {
	return OpenTracedSQLite(ctx, path, nil)
}

// OpenTracedSQLite is [OpenSQLite] with a span for each statement, below the one in
// its context. A nil provider makes none.
func OpenTracedSQLite(ctx context.Context, path string, tracing trace.TracerProvider) (Store, error) {
	db, err := connectSQLite(path, tracing)
	if err != nil {
		return nil, err
	}
	if _, err := migrations.Up(ctx, db, migrations.SQLite); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open the SQLite database: %w", explainSQLite(err))
	}
	return newSQLite(db), nil
}

func newSQLite(db *sql.DB) *sqlStore {
	return &sqlStore{
		db: sqlx.NewDb(db, "sqlite"),
		dialect: dialect{
			tuples:  `VALUES `,
			onKnown: ` ON CONFLICT (saga, user_hash) DO UPDATE SET state = 'removed', changed = ?`,
			explain: explainSQLite,
		},
		widths:   widths{"Id": 100, "Phone": 100, "Password": 100, "Name": 100},
		maxBytes: maxBatchBytes,
	}
}

// sqliteCheck finds the column in the message of a failed check, which quotes the
// check: "CHECK constraint failed: length(Name) <= 100".
var sqliteCheck = regexp.MustCompile(`CHECK constraint failed: length\((?:CAST\()?([A-Za-z_]+)`)

// explainSQLite turns an error of SQLite into a [fault]. SQLite quotes no values.
func explainSQLite(err error) error {
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return err
	}
	if m := sqliteCheck.FindStringSubmatch(e.Error()); m != nil {
		return &fault{refused, m[1] + " is too long for its column"}
	}
	return &fault{sqliteKind(e.Code()), e.Error()}
}

// sqliteKind sorts SQLite's result codes, whose lowest byte is the general one.
func sqliteKind(code int) kind {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE:
		return duplicate
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return conflict
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG:
		return refused
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT:
		return unavailable
	}
	return unexpected
}
