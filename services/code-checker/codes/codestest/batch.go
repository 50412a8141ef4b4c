package codestest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/redis/go-redis/v9"
)

func testBatch(t *testing.T, open func(testing.TB) *user) {
	t.Run("a batch is one round trip, in order", func(t *testing.T) {
		u := open(t)
		u.wrong(1) // loads the script
		w := watch(u.redis)
		u.store("12345", time.Minute)
		attempts := make([]codes.Attempt, 0, 64)
		for i := range 64 {
			attempts = append(attempts, codes.Attempt{ID: u.id, Code: "12345", Saga: fmt.Sprint("s", i), ClaimTTL: claimTTL})
		}
		before := w.trips()
		verdicts, errs := u.codes.Claim(t.Context(), attempts)
		if got := w.trips() - before; got != 1 {
			t.Errorf("%d round trips, want 1", got)
		}
		for i, v := range verdicts {
			u.must(errs[i])
			if want := map[bool]string{true: "claimed", false: "duplicate of s0"}[i == 0]; words(v) != want {
				t.Errorf("attempt %d: got %s, want %s", i, words(v), want)
			}
		}
	})
	t.Run("an empty batch is no round trip", func(t *testing.T) {
		u := open(t)
		w := watch(u.redis)
		verdicts, errs := u.codes.Claim(t.Context(), nil)
		if len(verdicts)+len(errs)+len(u.codes.Delete(t.Context(), nil))+w.trips() != 0 {
			t.Error("something happened")
		}
	})
	t.Run("a server that forgot the scripts is taught them again", func(t *testing.T) {
		u := open(t)
		for range 3 {
			u.store("12345", time.Minute)
			u.must(u.redis.ScriptFlush(t.Context()).Err())
			u.expect("a", "12345", "claimed")
			u.must(u.redis.ScriptFlush(t.Context()).Err())
			u.release("a")
			u.expect("b", "12345", "claimed")
			u.must(u.redis.ScriptFlush(t.Context()).Err())
			u.delete("b")
			u.elapse(time.Hour)
		}
	})
	t.Run("an error concerns its own attempt only", func(t *testing.T) {
		u := open(t)
		broken, misused := u.another(), u.another()
		u.must(u.redis.LPush(t.Context(), broken.claimKey(), "x").Err())
		u.store("12345", time.Minute)
		verdicts, errs := u.codes.Claim(t.Context(), []codes.Attempt{
			{ID: broken.id, Code: "12345", Saga: "a", ClaimTTL: claimTTL},
			{ID: misused.id, Code: "12345", Saga: "not a saga", ClaimTTL: claimTTL},
			{ID: u.id, Code: "12345", Saga: "a", ClaimTTL: claimTTL},
		})
		if errs[0] == nil || errs[1] == nil || codes.Unavailable(errs[0]) || codes.Unavailable(errs[1]) {
			t.Errorf("got %v and %v, want errors that waiting does not mend", errs[0], errs[1])
		}
		if errs[2] != nil || verdicts[2].Kind != codes.Claimed {
			t.Errorf("beside them: %v, %v", verdicts[2], errs[2])
		}
		settled := u.codes.Delete(t.Context(), []codes.Holder{{ID: broken.id, Saga: "a"}, {ID: u.id, Saga: "a"}})
		if settled[0] == nil || settled[1] != nil || u.stored() != "" {
			t.Errorf("deletion: %v", settled)
		}
	})
	t.Run("a saga's id is bounded", func(t *testing.T) {
		u := open(t)
		for _, saga := range []string{"", "a b", "a\n", "é", strings.Repeat("x", 129)} {
			if errs := u.codes.Release(t.Context(), []codes.Holder{{ID: u.id, Saga: saga}}); errs[0] == nil {
				t.Errorf("saga %q is accepted", saga)
			}
		}
		u.release(strings.Repeat("x", 128))
	})
	t.Run("no code goes to the server in clear, and none is kept by us", func(t *testing.T) {
		u := open(t)
		const right, wrong = "right-secret", "wrong-secret"
		u.store(right, time.Minute)
		w := watch(u.redis)
		u.expect("a", wrong, "incorrect")
		u.expect("b", right, "claimed")
		kept := fmt.Sprint(u.get(u.claimKey()), u.get(u.usedKey()), u.redis.HGetAll(t.Context(), u.attemptsKey()).Val())
		u.delete("b")
		kept += u.get(u.usedKey())
		if sent := w.sent(); strings.Contains(sent+kept, right) || strings.Contains(sent+kept, wrong) {
			t.Errorf("sent: %s\nkept: %s", sent, kept)
		}
	})
}

// watcher sees what a client sends.
type watcher struct {
	mu    sync.Mutex
	count int
	text  strings.Builder
}

func watch(client *redis.Client) *watcher {
	w := &watcher{}
	client.AddHook(w)
	return w
}

func (w *watcher) trips() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *watcher) sent() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

func (w *watcher) saw(commands ...redis.Cmder) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	for _, c := range commands {
		fmt.Fprintln(&w.text, c.Args()...)
	}
}

// DialHook implements redis.Hook.
func (w *watcher) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements redis.Hook.
func (w *watcher) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, command redis.Cmder) error {
		w.saw(command)
		return next(ctx, command)
	}
}

// ProcessPipelineHook implements redis.Hook.
func (w *watcher) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, commands []redis.Cmder) error {
		w.saw(commands...)
		return next(ctx, commands)
	}
}
