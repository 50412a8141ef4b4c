package system

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports lie below those of outgoing connections, so that none of these takes the
// port of a process that is down for a while, and beside those of other tests.
const (
	firstPort = 12000
	ports     = 8000
	portTries = 50
)

// listen listens on a free port of loopback.
func listen(ctx context.Context) (net.Listener, error) {
	var errs []error
	for range portTries {
		port := firstPort + rand.IntN(ports)
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", loopback(port))
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("no free port: %w", errors.Join(errs...))
}

// freePort returns a port of loopback on which nobody listens now.
func freePort(ctx context.Context) (int, error) {
	l, err := listen(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return 0, fmt.Errorf("read a free port: %w", err)
	}
	return strconv.Atoi(port)
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
