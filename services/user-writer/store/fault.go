package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
)

// kind says what to do about an error of a database.
type kind int

const (
	unexpected  kind = iota // report it; nobody knows whether it will pass
	unavailable             // the database is away: wait for it
	conflict                // transactions met: repeat this one
	duplicate               // a primary key is taken
	refused                 // the database cannot hold a value
)

// fault is an error of a database in words that repeat no value. The database's own
// error is not kept, because its text may quote one.
type fault struct {
	kind kind
	text string
}

func (f *fault) Error() string { return f.text }

func kindOf(err error) kind {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.kind
	}
	return unexpected
}

// Unavailable reports whether err says that the database is away, refuses work for
// now, or was too slow: things that waiting cures. It is false for a caller that gave
// up (context.Canceled) and for an error that nobody has foreseen.
func Unavailable(err error) bool {
	if k := kindOf(err); k != unexpected {
		return k == unavailable || k == conflict
	}
	for _, away := range []error{
		driver.ErrBadConn, sql.ErrConnDone, mysql.ErrInvalidConn, context.DeadlineExceeded, io.EOF, io.ErrUnexpectedEOF,
	} {
		if errors.Is(err, away) {
			return true
		}
	}
	_, network := errors.AsType[net.Error](err)
	return network && !errors.Is(err, context.Canceled)
}
