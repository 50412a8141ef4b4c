package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// lockName is SQL for the name of the MySQL lock. Such names are the whole server's
// and hold at most 64 characters, so it contains the database's name as a hash.
const lockName = `CONCAT('create_user_', LEFT(SHA2(DATABASE(), 256), 40))`

// namedLock is a lock of the MySQL server that lasts as long as its connection.
type namedLock struct{}

// SessionLock waits for the lock, or until ctx is done.
func (namedLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		// In short waits, so that none outlasts the connection's read timeout.
		var got sql.NullInt64
		err := conn.QueryRowContext(ctx, `SELECT GET_LOCK(`+lockName+`, 2)`).Scan(&got)
		switch {
		case err != nil:
			return fmt.Errorf("wait for the migration lock: %w", err)
		case !got.Valid:
			return errors.New("wait for the migration lock: the server refused it")
		case got.Int64 == 1:
			return nil
		}
	}
}

// SessionUnlock releases the lock.
func (namedLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	var released sql.NullInt64
	if err := conn.QueryRowContext(ctx, `SELECT RELEASE_LOCK(`+lockName+`)`).Scan(&released); err != nil {
		return fmt.Errorf("release the migration lock: %w", err)
	}
	return nil
}

// writeLock is the write lock of an SQLite file, held by a transaction around the
// migrations. A failed statement undoes itself alone, which suffices because a
// migration is one statement.
type writeLock struct{}

// SessionLock waits for the lock as long as the connection's busy timeout says.
func (writeLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
		return fmt.Errorf("wait for the write lock: %w", err)
	}
	return nil
}

// SessionUnlock commits what was applied and releases the lock.
func (writeLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `COMMIT`)
	if err == nil {
		return nil
	}
	// The connection goes back to its pool, where nobody expects a transaction.
	if _, undo := conn.ExecContext(ctx, `ROLLBACK`); undo != nil {
		err = errors.Join(err, undo)
	}
	return fmt.Errorf("commit the migrations: %w", err)
}
