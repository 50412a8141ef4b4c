package codes_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/create-user/create-user/services/code-checker/codes/codestest"
	"github.com/redis/go-redis/v9"
)

// embedded is a client of a Redis in this process, as in development.
func embedded(tb testing.TB) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: miniredis.RunT(tb).Addr(), ContextTimeoutEnabled: true})
	tb.Cleanup(func() { client.Close() })
	return client
}

func TestCodes_Embedded(t *testing.T) { codestest.Run(t, embedded) }

func BenchmarkCodes_Embedded(b *testing.B) { codestest.Benchmark(b, embedded) }
