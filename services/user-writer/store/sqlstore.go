package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// columns returns those of Users that a user's values go to.
func columns() []string { return []string{"Id", "Phone", "Password", "Name", "Image"} }

// maxRows bounds the rows of one statement. Beyond it a batch gains little, and a
// duplicate in it costs more.
const maxRows = 256

// sqlStore is a [Store] in SQL that MySQL, MariaDB and SQLite all understand.
type sqlStore struct {
	db       *sqlx.DB
	dialect  dialect
	widths   widths
	maxBytes int // of the values in one statement; a larger user goes alone
}

// dialect is what differs between the databases.
type dialect struct {
	isolation sql.IsolationLevel
	tuples    string            // begins a list of tuples after IN
	lock      string            // ends a SELECT that locks the rows that it finds
	onKnown   string            // ends an INSERT of tombstones, for sagas that the inbox knows; takes the time
	explain   func(error) error // turns a driver's error into a fault
}

// Ping implements [Store].
func (s *sqlStore) Ping(ctx context.Context) error {
	if err := s.db.PingContext(ctx); err != nil {
		return fmt.Errorf("ping the database: %w", s.dialect.explain(err))
	}
	return nil
}

// Close implements [Store].
func (s *sqlStore) Close() error {
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the database: %w", s.dialect.explain(err))
	}
	return nil
}

// Find implements [Store].
func (s *sqlStore) Find(ctx context.Context, id string) (User, bool, error) {
	var u User
	// An adopted table may hold nulls.
	row := s.db.QueryRowxContext(ctx, `SELECT Id, COALESCE(Phone, ''), COALESCE(Password, ''), COALESCE(Name, ''),
		COALESCE(Image, '') FROM Users WHERE Id = ?`, id)
	err := s.dialect.explain(row.Scan(&u.ID, &u.Phone, &u.Password, &u.Name, &u.Image))
	switch {
	case errors.Is(err, sql.ErrNoRows), kindOf(err) == refused: // refused: the column could not even hold such an Id
		return User{}, false, nil
	case err != nil:
		return User{}, false, fmt.Errorf("find a user: %w", err)
	}
	row = s.db.QueryRowxContext(ctx, `SELECT saga, user_hash FROM create_user_inbox
		WHERE Id = ? AND state = 'inserted' ORDER BY changed DESC LIMIT 1`, u.ID)
	err = s.dialect.explain(row.Scan(&u.Saga, &u.User))
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return User{}, false, fmt.Errorf("find the saga of a user: %w", err)
	}
	return u, true, nil
}

// transact runs work in a transaction, and runs it again for as long as it meets
// others and ctx allows.
func (s *sqlStore) transact(ctx context.Context, work func(*sqlx.Tx) error) error {
	return repeat(ctx, func() error { return s.attempt(ctx, work) })
}

// repeat runs work again for as long as it meets others and ctx allows.
func repeat(ctx context.Context, work func() error) error {
	for tries := 1; ; tries++ {
		err := work()
		if kindOf(err) != conflict {
			return err
		}
		if ended := pause(ctx, tries); ended != nil {
			return fmt.Errorf("%w after %d tries: %w", ended, tries, err)
		}
	}
}

func (s *sqlStore) attempt(ctx context.Context, work func(*sqlx.Tx) error) error {
	tx, err := s.db.BeginTxx(ctx, &sql.TxOptions{Isolation: s.dialect.isolation})
	if err != nil {
		return fmt.Errorf("begin: %w", s.dialect.explain(err))
	}
	if err := work(tx); err != nil {
		// A rollback that fails has lost its connection, and with it the transaction.
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", s.dialect.explain(err))
	}
	return nil
}

// pause waits before another try, longer each time up to a limit and never alike, so
// that those who met do not meet again. It returns the context's error if that ends
// first.
func pause(ctx context.Context, tries int) error {
	longest := min(time.Millisecond<<min(tries, 10), 100*time.Millisecond)
	timer := time.NewTimer(rand.N(longest)) //nolint:gosec // only to be unlike others
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *sqlStore) exec(ctx context.Context, tx *sqlx.Tx, query string, args []any) error {
	_, err := tx.ExecContext(ctx, query, args...)
	return s.dialect.explain(err)
}

// selectAll reads every row of a query into found, a pointer to a slice.
func (s *sqlStore) selectAll(ctx context.Context, q sqlx.QueryerContext, found any, query string, args []any) error {
	return s.dialect.explain(sqlx.SelectContext(ctx, q, found, query, args...))
}

// standing returns which of the Ids stand in Users, as they are written there. suffix
// ends the query.
func (s *sqlStore) standing(ctx context.Context, q sqlx.QueryerContext, ids []string, suffix string) (map[string]bool, error) {
	var found []string
	err := s.selectAll(ctx, q, &found, `SELECT Id FROM Users WHERE Id IN (`+list("?", len(ids))+`)`+suffix, anys(ids))
	if err != nil {
		return nil, fmt.Errorf("look for Ids: %w", err)
	}
	return setOf(found), nil
}

// list returns item n times, with commas between.
func list(item string, n int) string {
	return strings.TrimSuffix(strings.Repeat(item+", ", n), ", ")
}

// whereKeys returns a condition on the inbox that only these sagas meet, and its
// arguments.
func (s *sqlStore) whereKeys(keys []Key) (string, []any) {
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, k.Saga, k.User)
	}
	return `(saga, user_hash) IN (` + s.dialect.tuples + list("(?, ?)", len(keys)) + `)`, args
}

func anys(values []string) []any {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return args
}

func setOf(values []string) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, v := range values {
		set[v] = true
	}
	return set
}

// now is what the inbox's column changed takes: UTC to the microsecond.
func now() string { return time.Now().UTC().Format("2006-01-02 15:04:05.000000") }
