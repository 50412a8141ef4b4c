package codes_test

import (
	"os"
	"testing"

	"github.com/create-user/create-user/services/code-checker/codes/codestest"
	"github.com/redis/go-redis/v9"
)

func real(tb testing.TB) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: os.Getenv("TMP_REDIS"), ContextTimeoutEnabled: true})
	tb.Cleanup(func() { client.Close() })
	return client
}

func TestCodes_Real(t *testing.T) { codestest.Run(t, real) }

func BenchmarkCodes_Real(b *testing.B) { codestest.Benchmark(b, real) }
