package parts

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"testing"
	"time"
)

// current is the session of this test binary, nil outside [Main]. Tests of one
// binary can share a server in no other way: the testing package has nothing
// to carry a value from TestMain to a test.
//
//nolint:gochecknoglobals // see above
var current atomic.Pointer[session]

// closeTimeout bounds the end of all servers of a test binary.
const closeTimeout = 30 * time.Second

// Main runs the tests of a package that uses Redis or MariaDB, ends the servers
// that they shared and exits the process. Call it first in TestMain: the guard
// process, which is this same binary, enters through it too.
func Main(m *testing.M) {
	if folder := os.Getenv(guardVariable); folder != "" {
		os.Exit(standGuard(folder))
	}
	s := newSession(os.Getenv)
	current.Store(s)
	code := m.Run()
	current.Store(nil)

	if err := s.closeInTime(); err != nil {
		fmt.Fprintln(os.Stderr, "parts: ending the shared servers:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// closeInTime is close with a bound.
func (s *session) closeInTime() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return s.close(ctx)
}

// sessionOf returns the session that Main has opened, and fails t without one.
func sessionOf(t testing.TB) *session {
	t.Helper()
	s := current.Load()
	if s == nil {
		t.Fatal("parts: this package needs: func TestMain(m *testing.M) { parts.Main(m) }")
	}
	return s
}
