package parts

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisServer is a real Redis.
type RedisServer struct {
	*Server
	// URL is the address in the form redis://host:port/database.
	URL string
}

// Redis returns the Redis that all tests of this binary share. Its keys are
// shared too: a test uses Ids of its own, and never flushes.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	server, err := sessionOf(t).redis()
	if err != nil {
		t.Fatalf("parts: %v", err)
	}
	server.log(t)
	return &RedisServer{Server: server, URL: server.url}
}

// RedisAlone starts an empty Redis for this test alone, which may stop it. It
// writes an append-only file every second, so a graceful stop keeps all data.
func RedisAlone(t testing.TB) *RedisServer {
	t.Helper()
	server := sessionOf(t).own(t, redisPart())
	return &RedisServer{Server: server, URL: server.url}
}

func redisPart() part {
	keep := []string{"--save", "", "--appendonly", "yes", "--appendfsync", "everysec"}
	return part{
		name:          "Redis",
		variable:      "TEST_REDIS_URL",
		install:       "apt-get install -y redis-server",
		image:         "redis:7",
		containerPort: "6379/tcp",
		// Protected mode refuses what comes from outside the container; its port
		// is published on loopback only.
		containerArgs: append([]string{"redis-server", "--protected-mode", "no"}, keep...),
		binaries:      []string{"redis-server"},
		args: func(folder string, port int) []string {
			return append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", folder, "--daemonize", "no"}, keep...)
		},
		url:   func(addr string) string { return "redis://" + addr + "/0" },
		addr:  redisAddr,
		ready: pingRedis,
	}
}

func redisAddr(url string) (string, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return "", errors.New("it is not of the form redis://user:password@host:port/database") // err may hold the password
	}
	return options.Addr, nil
}

// pingRedis dials before it hands over to the client, which would write every
// refused connection on the standard error.
func pingRedis(ctx context.Context, url string) (err error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return errors.New("it is not a Redis URL")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, options.Network, options.Addr)
	if err != nil {
		return fmt.Errorf("reaching Redis: %w", err)
	}
	if err := conn.Close(); err != nil {
		return fmt.Errorf("reaching Redis: %w", err)
	}
	options.MaxRetries, options.DialerRetries = -1, 1 // the caller asks again
	options.ContextTimeoutEnabled = true              // or ctx would not end a read from a frozen server
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := client.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("asking Redis: %w", err)
	}
	return nil
}
