//nolint:forbidigo // sleeps in a synctest bubble, whose clock does not wait
package token_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

func TestCache_CloseEndsTheFetchAndItsCallers(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	t.Run("those who wait are told to come again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{set: set, delay: 24 * time.Hour}
			v := e.open(t.Context(), token.Config{})
			var callers sync.WaitGroup
			callers.Go(func() { expect(t, v, es.token(t), token.ErrUnavailable) })
			synctest.Wait()
			v.Close()
			callers.Wait()
			expect(t, v, es.token(t), token.ErrUnavailable)
		})
	})
	t.Run("keys at hand still serve, no others are fetched", func(t *testing.T) {
		stranger := es256Issuer(t, "unknown")
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{set: set}
			v := e.open(t.Context(), token.Config{})
			expect(t, v, es.token(t), nil)
			v.Close()
			expect(t, v, es.token(t), nil)
			expect(t, v, stranger.token(t), token.ErrUnavailable)
			time.Sleep(24 * time.Hour)
			if got := e.requests(); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	})
	t.Run("the end of the context ends it too", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{set: set}
			ctx, cancel := context.WithCancel(t.Context())
			v := e.open(ctx, token.Config{})
			expect(t, v, es.token(t), nil)
			cancel()
			synctest.Wait()
			v.Close()
		})
	})
}
