//go:build deployed

package store

import (
	"context"
	"database/sql"
	"errors"

	"go.opentelemetry.io/otel/trace"
)

// HasSQLite says whether this program can keep the users in SQLite.
const HasSQLite = false

var errNoSQLite = errors.New("this program was built without SQLite")

// ConnectSQLite fails: there is no SQLite here.
func ConnectSQLite(string) (*sql.DB, error) { return nil, errNoSQLite }

// OpenTracedSQLite fails: there is no SQLite here.
func OpenTracedSQLite(context.Context, string, trace.TracerProvider) (Store, error) {
	return nil, errNoSQLite
}
