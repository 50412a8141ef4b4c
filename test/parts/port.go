package parts

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Ports are taken from below the range from which the system takes those of
// outgoing connections (Linux: 32768 and up), so that none of these can take
// the port of a server that is stopped for a while.
const (
	firstPort = 20000
	lastPort  = 31999
)

// portTries is how many ports are tried before giving up.
const portTries = 20

// freePort returns a TCP port of 127.0.0.1 on which nobody listens now. Another
// process may still take it first: the caller tries again with another.
func freePort(ctx context.Context) (int, error) {
	var errs []error
	for range portTries {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", loopback(port))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := l.Close(); err != nil {
			return 0, fmt.Errorf("freeing port %d: %w", port, err)
		}
		return port, nil
	}
	return 0, fmt.Errorf("no free port between %d and %d: %w", firstPort, lastPort, errors.Join(errs...))
}

// FreePort returns a port for a process that the test starts: nobody listens on
// it now, and no outgoing connection will be given it.
func FreePort(t testing.TB) int {
	t.Helper()
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// loopback is the address of a port on 127.0.0.1.
func loopback(port int) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
}
