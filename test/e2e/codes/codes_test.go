// Package codes runs the suite of the code-checker's scripts against a real
// Redis.
package codes

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/create-user/create-user/services/code-checker/codes/codestest"
	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

func TestCodes_OnRedis(t *testing.T) {
	codestest.Run(t, open)
}

func TestCodes_TheCountOfWrongTriesOutlivesRestarts(t *testing.T) {
	server := parts.RedisAlone(t)
	stored := codes.New(connect(t, server.URL))
	try := func(id, saga, code string, want codes.Kind) {
		t.Helper()
		verdicts, errs := stored.Claim(t.Context(), []codes.Attempt{{ID: id, Code: code, Saga: saga, ClaimTTL: time.Minute}})
		if errs[0] != nil || verdicts[0].Kind != want {
			t.Errorf("saga %s of %s: %v, %v, want %v", saga, id, verdicts[0].Kind, errs[0], want)
		}
		server.Stop(t)
		server.Start(t)
	}
	for id, wrong := range map[string][]string{"ada": {"1", "2", "3", "4"}, "bob": {"1", "2", "3", "4", "5"}} {
		if err := stored.Store(t.Context(), id, "12345", 0); err != nil {
			t.Fatal(err)
		}
		for _, saga := range wrong {
			try(id, saga, "not the code", codes.Incorrect)
		}
	}
	try("ada", "right", "12345", codes.Claimed)
	try("bob", "right", "12345", codes.Locked)
}

func BenchmarkCodes_OnRedis(b *testing.B) {
	codestest.Benchmark(b, open)
}

func open(t testing.TB) *redis.Client {
	t.Helper()
	return connect(t, parts.Redis(t).URL)
}

func connect(t testing.TB, url string) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	options.ContextTimeoutEnabled = true
	client := redis.NewClient(options)
	t.Cleanup(func() { _ = client.Close() })
	return client
}
