package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestUnavailable_IsWhatWaitingCures(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{errors.New("anything else"), false},
		{context.Canceled, false},
		{sql.ErrNoRows, false},
		{&fault{kind: refused}, false},
		{&fault{kind: duplicate}, false},
		{&fault{kind: unexpected}, false},
		{&fault{kind: unavailable}, true},
		{&fault{kind: conflict}, true},
		{driver.ErrBadConn, true},
		{mysql.ErrInvalidConn, true},
		{sql.ErrConnDone, true},
		{context.DeadlineExceeded, true},
		{io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true},
		{&net.OpError{Op: "dial", Err: context.Canceled}, false},
		{&net.DNSError{Err: "no such host", Name: "db"}, true},
	} {
		t.Run(fmt.Sprint(test.err), func(t *testing.T) {
			if got := Unavailable(test.err); got != test.want {
				t.Errorf("it is %t", got)
			}
			if test.err == nil {
				return
			}
			if got := Unavailable(fmt.Errorf("insert: %w", test.err)); got != test.want {
				t.Errorf("wrapped it is %t", got)
			}
		})
	}
}

func TestExplainMySQL_SortsErrorsAndRepeatsNoValue(t *testing.T) {
	const secret = "s3cr3t"
	state := [5]byte{'H', 'Y', '0', '0', '0'}
	for _, test := range []struct {
		number  uint16
		message string
		kind    kind
		text    string // what the explanation must contain
	}{
		{1062, "Duplicate entry 's3cr3t' for key 'PRIMARY'", duplicate, "error 1062"},
		{1213, "Deadlock found when trying to get lock", conflict, "Deadlock"},
		{1205, "Lock wait timeout exceeded", conflict, "Lock wait"},
		{1406, "Data too long for column 'Name' at row 3", refused, "Name is too long"},
		{1406, "Data too long for column 's3cr3t' at row 3", refused, "a value is too long"},
		{1366, "Incorrect string value: 's3cr3t\\xF0' for column 'Phone' at row 1", refused, "Phone has characters"},
		{1366, "Incorrect string value: '\\xF0s3cr3t' for column `d`.`Users`.`Id` at row 1", refused, "Id has characters"},
		{1366, "Incorrect string value: 'for column 'Name' at row 1 s3cr3t' for column `d`.`Users`.`Id` at row 1", refused, "Id has"},
		{1270, "Illegal mix of collations", refused, "characters"},
		{1105, "Parameter is longer than 'max_allowed_packet' bytes", refused, "max_allowed_packet"},
		{1105, "Unknown error s3cr3t", unexpected, "error 1105"},
		{1064, "You have an error in your SQL syntax near 's3cr3t'", unexpected, "error 1064 (HY000)"},
		{1146, "Table 'd.Users' doesn't exist", unexpected, "doesn't exist"},
		{1045, "Access denied for user 'u'@'h'", unexpected, "Access denied"},
		{1040, "Too many connections", unavailable, "Too many"},
		{1053, "Server shutdown in progress", unavailable, "shutdown"},
		{1290, "The server is running with the --read-only option", unavailable, "read-only"},
		{4031, "The client was disconnected s3cr3t", unavailable, "error 4031"},
	} {
		t.Run(fmt.Sprint(test.number, " ", test.message), func(t *testing.T) {
			err := explainMySQL(fmt.Errorf("exec: %w", &mysql.MySQLError{Number: test.number, SQLState: state, Message: test.message}))
			if got := kindOf(err); got != test.kind {
				t.Errorf("its kind is %d, want %d", got, test.kind)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("%q does not contain %q", err, test.text)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q repeats the value", err)
			}
			if _, ok := errors.AsType[*mysql.MySQLError](err); ok {
				t.Error("the driver's error can still be had from it")
			}
		})
	}
	t.Run("a packet that the driver refuses is a refused value", func(t *testing.T) {
		if err := explainMySQL(mysql.ErrPktTooLarge); kindOf(err) != refused {
			t.Errorf("%v is of kind %d", err, kindOf(err))
		}
	})
	t.Run("an error of no server is left as it is", func(t *testing.T) {
		for _, err := range []error{nil, context.Canceled, driver.ErrBadConn} {
			if got := explainMySQL(err); !errors.Is(got, err) {
				t.Errorf("%v became %v", err, got)
			}
		}
	})
}
