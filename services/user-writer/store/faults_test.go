package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"testing"
)

// errDeadlock stands for what a database says to the victim of a deadlock.
var errDeadlock = errors.New("deadlock")

// faults makes one call to a database fail: the one after as many others as its mode
// says to let through. A test that raises that number until nothing fails any more
// has broken the work at every point.
type faults struct {
	mu       sync.Mutex // guards what follows
	armed    bool
	left     int   // calls to let through before the fault
	fault    error // what the faulty call returns
	executed bool  // the faulty call takes effect all the same: only its answer is lost
	struck   bool
}

func (f *faults) arm(after int, fault error, executed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.left, f.fault, f.executed, f.struck = true, after, fault, executed, false
}

// disarm reports whether the fault struck.
func (f *faults) disarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.struck
}

// call runs one call to the database, or its failure.
func (f *faults) call(work func() error) error {
	f.mu.Lock()
	strikes := f.armed && !f.struck && f.left == 0
	f.left--
	f.struck = f.struck || strikes
	fault, executed := f.fault, f.executed
	f.mu.Unlock()
	if !strikes {
		return work()
	}
	if executed {
		if err := work(); err != nil {
			return err
		}
	}
	return fault
}

// openFaulty returns a store in a new SQLite file, whose calls faults may break.
func openFaulty(t testing.TB, path string, f *faults) *sqlStore {
	t.Helper()
	first, err := OpenSQLite(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	plain, err := sql.Open("sqlite", sqliteDSN(path))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(faultyConnector{plain.Driver(), sqliteDSN(path), f})
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _, _ = plain.Close(), db.Close() })
	s := newSQLite(db)
	s.dialect.explain = func(err error) error {
		if errors.Is(err, errDeadlock) {
			return &fault{conflict, err.Error()}
		}
		return explainSQLite(err)
	}
	return s
}

type faultyConnector struct {
	driver driver.Driver
	dsn    string
	faults *faults
}

func (c faultyConnector) Driver() driver.Driver { return c.driver }

func (c faultyConnector) Connect(context.Context) (driver.Conn, error) {
	opened, err := c.driver.Open(c.dsn)
	if err != nil {
		return nil, err
	}
	able, ok := opened.(conn)
	if !ok {
		return nil, fmt.Errorf("%T cannot do all that the test needs", opened)
	}
	return &faultyConn{conn: able, faults: c.faults}, nil
}

// faultyConn breaks for good when a call on it returns driver.ErrBadConn, as a
// connection over a network does.
type faultyConn struct {
	conn
	faults *faults
	broken bool
}

// conn is what SQLite's connections can do and this test needs.
type conn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
}

func (c *faultyConn) call(work func() error) error {
	if c.broken {
		return driver.ErrBadConn
	}
	err := c.faults.call(work)
	c.broken = errors.Is(err, driver.ErrBadConn)
	return err
}

func (c *faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (res driver.Result, err error) {
	err = c.call(func() (err error) {
		res, err = c.conn.ExecContext(ctx, query, args)
		return err
	})
	return res, err
}

func (c *faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (rows driver.Rows, err error) {
	err = c.call(func() (err error) {
		rows, err = c.conn.QueryContext(ctx, query, args)
		return err
	})
	if err != nil && rows != nil {
		return nil, errors.Join(err, rows.Close())
	}
	return rows, err
}

func (c *faultyConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	var tx driver.Tx
	err := c.call(func() (err error) {
		tx, err = c.conn.BeginTx(ctx, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &faultyTx{tx, c}, nil
}

type faultyTx struct {
	driver.Tx
	conn *faultyConn
}

func (t *faultyTx) Commit() error {
	err := t.conn.call(t.Tx.Commit)
	if errors.Is(err, errDeadlock) {
		return errors.Join(err, t.Tx.Rollback()) // as databases do
	}
	return err
}

func (t *faultyTx) Rollback() error {
	if t.conn.broken {
		return driver.ErrBadConn
	}
	return t.Tx.Rollback()
}
