package system

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// echo serves connections that send back what they get, and returns its address.
func echo(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // ends with its connection, which the proxy closes
				_, _ = io.Copy(conn, conn)
				_ = conn.Close()
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// through returns a proxy before an echo, and a connection through it.
func through(t *testing.T) (*Proxy, net.Conn) {
	t.Helper()
	p, err := NewProxy(t.Context(), echo(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	conn, err := new(net.Dialer).DialContext(context.WithoutCancel(t.Context()), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return p, conn
}

func send(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
}

// receive reads what was sent within d.
func receive(t *testing.T, conn net.Conn, d time.Duration) error {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(d)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadFull(conn, make([]byte, len("hello")))
	return err
}

func TestProxy_PassesBytesOn(t *testing.T) {
	_, conn := through(t)
	send(t, conn)
	if err := receive(t, conn, 10*time.Second); err != nil {
		t.Errorf("no echo: %v", err)
	}
}

func TestProxy_CutEndsConnectionsAndLetsNewOnesIn(t *testing.T) {
	p, conn := through(t)
	send(t, conn)
	if err := receive(t, conn, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if err := receive(t, conn, 10*time.Second); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a cut connection ends with %v", err)
	}
	again, err := new(net.Dialer).DialContext(t.Context(), "tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	send(t, again)
	if err := receive(t, again, 10*time.Second); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestProxy_HoldsBackUntilReleased(t *testing.T) {
	p, conn := through(t)
	p.Hold()
	send(t, conn)
	if err := receive(t, conn, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("held back, it ends with %v", err)
	}
	p.Release()
	if err := receive(t, conn, 10*time.Second); err != nil {
		t.Errorf("released: %v", err)
	}
}
