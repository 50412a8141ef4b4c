package codes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/redis/go-redis/v9"
)

// once is a client that gives up at the first failure, and soon.
func once(tb testing.TB, address string) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{
		Addr: address, MaxRetries: -1, PoolSize: 1, DialerRetries: 1,
		DialTimeout: 200 * time.Millisecond, ReadTimeout: 200 * time.Millisecond, PoolTimeout: 20 * time.Millisecond,
		ContextTimeoutEnabled: true,
	})
	tb.Cleanup(func() { client.Close() })
	return client
}

var attempts = []codes.Attempt{{ID: "1", Code: "12345", Saga: "a"}, {ID: "2", Code: "12345", Saga: "b"}}

// expectUnavailable demands that every attempt fails, and that waiting can mend it.
func expectUnavailable(t *testing.T, ctx context.Context, client *redis.Client) {
	t.Helper()
	_, errs := codes.New(client).Claim(ctx, attempts)
	for _, err := range errs {
		if !codes.Unavailable(err) {
			t.Errorf("got %v, want an error that waiting can mend", err)
		}
	}
}

func TestUnavailable_IsARedisThatRefusesEveryone(t *testing.T) {
	for _, reply := range []string{
		"LOADING Redis is loading the dataset in memory",
		"READONLY You can't write against a read only replica.",
		"MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
		"CLUSTERDOWN The cluster is down",
		"TRYAGAIN Multiple keys request during rehashing of slot",
		"NOREPLICAS Not enough good replicas to write.",
		"BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
		"MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
		"OOM command not allowed when used memory > 'maxmemory'.",
		"NOAUTH Authentication required.",
		"WRONGPASS invalid username-password pair or user is disabled.",
		"NOPERM User default has no permissions to run the 'evalsha' command",
		"NOSCRIPT No matching script. Please use EVAL.",
		"ERR max number of clients reached",
		"ERR Error running script (call to f_0): @user_script:57: @user_script: 57: -OOM command not allowed when used memory > 'maxmemory'.",
	} {
		t.Run(reply, func(t *testing.T) {
			server := miniredis.RunT(t)
			client := once(t, server.Addr())
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			server.SetError(reply)
			expectUnavailable(t, t.Context(), client)
		})
	}
}

func TestUnavailable_IsARedisThatIsAway(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		server := miniredis.RunT(t)
		address := server.Addr()
		server.Close()
		expectUnavailable(t, t.Context(), once(t, address))
	})
	t.Run("it went away", func(t *testing.T) {
		server := miniredis.RunT(t)
		client := once(t, server.Addr())
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		server.Close()
		expectUnavailable(t, t.Context(), client)
		expectUnavailable(t, t.Context(), client)
	})
	t.Run("it hangs up", func(t *testing.T) {
		expectUnavailable(t, t.Context(), once(t, listen(t, func(c net.Conn) { c.Close() })))
	})
	t.Run("it is frozen", func(t *testing.T) {
		expectUnavailable(t, t.Context(), once(t, listen(t, swallow)))
	})
	t.Run("it is frozen longer than the caller waits", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		expectUnavailable(t, ctx, once(t, listen(t, swallow)))
	})
	t.Run("its name is unknown", func(t *testing.T) {
		client := redis.NewClient(&redis.Options{MaxRetries: -1, DialerRetries: 1,
			Dialer: func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", IsNotFound: true}}
			}})
		t.Cleanup(func() { client.Close() })
		expectUnavailable(t, t.Context(), client)
	})
	t.Run("all connections are taken", func(t *testing.T) {
		client := once(t, miniredis.RunT(t).Addr())
		taken := client.Conn()
		defer taken.Close()
		if err := taken.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		expectUnavailable(t, t.Context(), client)
	})
}

// swallow reads and never answers.
func swallow(c net.Conn) {
	defer c.Close()
	_, _ = io.Copy(io.Discard, c)
}

// listen serves connections until the test ends, and returns the address.
func listen(tb testing.TB, serve func(net.Conn)) string {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(conn) })
		}
	})
	tb.Cleanup(func() {
		listener.Close()
		all.Wait()
	})
	return listener.Addr().String()
}

func TestUnavailable_IsNotAWrongCall(t *testing.T) {
	_, misuse := codes.New(once(t, "127.0.0.1:1")).Claim(t.Context(), []codes.Attempt{{ID: "1", Saga: "not a saga"}})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, stopped := codes.New(embedded(t)).Claim(cancelled, attempts)
	for name, err := range map[string]error{
		"no error":            nil,
		"a wrong call":        misuse[0],
		"a cancelled context": stopped[0],
		"any other error":     errors.New("boom"),
		"no such key":         redis.Nil,
		"a closed client":     redis.ErrClosed,
		"a cluster's slots":   fmt.Errorf("claim: %w", redis.ErrCrossSlot),
	} {
		if codes.Unavailable(err) {
			t.Errorf("%s: %v counts as an outage", name, err)
		}
	}
	for _, reply := range []string{
		"WRONGTYPE Operation against a key holding the wrong kind of value",
		"ERR wrong number of arguments for 'evalsha' command",
		"ERR Error running script (call to f_0): @user_script:1: attempt to index a nil value",
	} {
		t.Run(reply, func(t *testing.T) {
			server := miniredis.RunT(t)
			client := once(t, server.Addr())
			if err := client.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			server.SetError(reply)
			_, errs := codes.New(client).Claim(t.Context(), attempts)
			if errs[0] == nil || codes.Unavailable(errs[0]) {
				t.Errorf("%v counts as an outage", errs[0])
			}
		})
	}
}

func TestStore_RefusesWhatCannotBeACode(t *testing.T) {
	c := codes.New(embedded(t))
	for name, err := range map[string]error{
		"a key of ours": c.Store(t.Context(), "create-user:claim:{1}", "12345", time.Minute),
		"no Id":         c.Store(t.Context(), "", "12345", time.Minute),
		"no code":       c.Store(t.Context(), "1", "", time.Minute),
		"no time":       c.Store(t.Context(), "1", "12345", -time.Second),
	} {
		if err == nil || codes.Unavailable(err) {
			t.Errorf("%s: got %v, want an error that waiting does not mend", name, err)
		}
	}
}
