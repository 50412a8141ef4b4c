package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/services/user-writer/store"
)

func TestOpenMySQL_KnowsThatTheServerIsAway(t *testing.T) {
	l := listen(t)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"a closed port":            l.Addr().String(),
		"a socket that is missing": t.TempDir() + "/mysql.sock",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := store.OpenMySQL(t.Context(), store.MySQL{Address: address, User: "u", Password: "s3cr3t", Database: "d"})
			if !store.Unavailable(err) {
				t.Errorf("%v does not say that the server is away", err)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("%v repeats the password", err)
			}
		})
	}
}

func TestOpenMySQL_WaitsForASilentServerNoLongerThanItsContext(t *testing.T) {
	l := listen(t)
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() { // takes connections and says nothing
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			_, _ = io.Copy(io.Discard, conn)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := store.OpenMySQL(ctx, store.MySQL{Address: l.Addr().String()})
	if !errors.Is(err, context.DeadlineExceeded) || !store.Unavailable(err) {
		t.Errorf("%v is not the end of the context", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
