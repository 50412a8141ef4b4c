// Package codes runs the suite of the code-checker's scripts against a real
// Redis.
package codes

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/services/code-checker/codes/codestest"
	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

func TestCodes_OnRedis(t *testing.T) {
	codestest.Run(t, open)
}

func BenchmarkCodes_OnRedis(b *testing.B) {
	codestest.Benchmark(b, open)
}

func open(t testing.TB) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(parts.Redis(t).URL)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
