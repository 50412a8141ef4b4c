//nolint:forbidigo // sleeps in a synctest bubble, whose clock does not wait
package token_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/create-user/create-user/pkg/token"
)

func TestCache_WaitsForAnEndpointThatIsDownAtTheStart(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, es.token(t), token.ErrUnavailable)
		time.Sleep(time.Minute)
		expect(t, v, es.token(t), token.ErrUnavailable)
		e.serve(set, 0)
		time.Sleep(2 * time.Second)
		expect(t, v, es.token(t), nil)
	})
}

func TestCache_TokensDoNotHurryAnEndpointThatIsDown(t *testing.T) {
	es := es256Issuer(t, "k")
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		time.Sleep(500 * time.Millisecond)
		for range 10 {
			expect(t, v, es.token(t), token.ErrUnavailable)
			time.Sleep(time.Second)
		}
		if got := e.requests(); got != 11 {
			t.Errorf("%d requests in 10 s, want one a second", got)
		}
	})
}

func TestCache_FirstTokensWaitForTheFirstFetch(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: set, delay: 2 * time.Second}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		start := time.Now()
		expect(t, v, es.token(t), nil)
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("waited %v, want the fetch's 2 s", waited)
		}
	})
}

func TestCache_AFrozenEndpointIsGivenUp(t *testing.T) {
	es := es256Issuer(t, "k")
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: "never sent", delay: 24 * time.Hour}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := v.Verify(ctx, es.token(t), userID); !errors.Is(err, token.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want ErrUnavailable by the caller's deadline", err)
		}
		expect(t, v, es.token(t), token.ErrUnavailable)
		if waited := time.Since(start); waited > 10*time.Second {
			t.Errorf("waited %v for a frozen endpoint", waited)
		}
	})
}

func TestCache_OldKeysServeWhileTheEndpointIsDown(t *testing.T) {
	es, stranger := es256Issuer(t, "k"), es256Issuer(t, "unknown")
	set := setOf(t, es)
	for name, answer := range map[string]string{
		"refuses connections":         "",
		"answers garbage":             "<html>Bad gateway</html>",
		"answers another document":    `{"issuer":"https://issuer.example"}`,
		"answers keys that are null":  `{"keys":null}`,
		"answers keys as an object":   `{"keys":{}}`,
		"answers without end":         `{"keys":["` + strings.Repeat("x", 1<<20),
		"answers with a cut off list": set[:len(set)-2],
	} {
		t.Run("it "+name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := &endpoint{set: set}
				v := e.open(t.Context(), token.Config{})
				defer v.Close()
				expect(t, v, es.token(t), nil)
				e.serve(answer, 0)
				time.Sleep(2 * time.Hour)
				expect(t, v, es.token(t), nil)
				expect(t, v, stranger.token(t), token.ErrUnavailable)
				e.serve(set, 0)
				time.Sleep(time.Minute)
				expect(t, v, stranger.token(t), token.ErrInvalid)
			})
		})
	}
}

func TestCache_ARotatedKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	before, after := es256Issuer(t, "1"), es256Issuer(t, "2")
	setBefore, setAfter := setOf(t, before), setOf(t, after)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: setBefore}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, before.token(t), nil)
		e.serve(setAfter, 100*time.Millisecond)
		expect(t, v, before.token(t), nil)
		expect(t, v, after.token(t), nil)
		expect(t, v, before.token(t), token.ErrInvalid)
		if got := e.requests(); got != 2 {
			t.Errorf("%d requests, want 2: the old key was not worth another", got)
		}
	})
}

func TestCache_ARotatedKeyWithoutAnIDIsFetchedWhenASignatureFails(t *testing.T) {
	before, after, stranger := es256Issuer(t, ""), es256Issuer(t, ""), es256Issuer(t, "")
	setBefore, setAfter := setOf(t, before), setOf(t, after)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: setBefore}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, before.token(t), nil)
		e.serve(setAfter, 0)
		expect(t, v, after.token(t), nil)
		expect(t, v, before.token(t), token.ErrInvalid)
		expect(t, v, stranger.token(t), token.ErrInvalid)
		if got := e.requests(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

// A token that was tried with the old keys must be tried with the new ones, too, whoever fetched them, and whether that
// had ended before it asked.
func TestCache_EveryTokenOfARotatedKeyIsAccepted(t *testing.T) {
	for _, kid := range []string{"", "k"} {
		before, after := es256Issuer(t, kid), es256Issuer(t, kid+kid)
		setBefore, setAfter := setOf(t, before), setOf(t, after)
		synctest.Test(t, func(t *testing.T) {
			e := &endpoint{set: setBefore}
			v := e.open(t.Context(), token.Config{})
			defer v.Close()
			expect(t, v, before.token(t), nil)
			e.serve(setAfter, 0)
			expectAtOnce(t, 200, v, after.token(t), nil)
			if got := e.requests(); got != 2 {
				t.Errorf("%d requests, want 2", got)
			}
		})
	}
}

func TestCache_ARemovedKeyIsRefusedAfterTheHourlyRefresh(t *testing.T) {
	kept, removed := es256Issuer(t, "kept"), es256Issuer(t, "removed")
	setBefore, setAfter := setOf(t, kept, removed), setOf(t, kept)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: setBefore}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, removed.token(t), nil)
		e.serve(setAfter, 0)
		time.Sleep(59 * time.Minute)
		expect(t, v, removed.token(t), nil)
		time.Sleep(2 * time.Minute)
		expect(t, v, removed.token(t), token.ErrInvalid)
		expect(t, v, kept.token(t), nil)
	})
}

func TestCache_AnEmptySetRevokesAllKeysButBlamesNoToken(t *testing.T) {
	es := es256Issuer(t, "k")
	set := setOf(t, es)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: set}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, es.token(t), nil)
		e.serve(`{"keys":[]}`, 0)
		time.Sleep(61 * time.Minute)
		expect(t, v, es.token(t), token.ErrUnavailable)
		e.serve(set, 0)
		time.Sleep(2 * time.Second)
		expect(t, v, es.token(t), nil)
	})
}

func TestCache_AFloodOfUnknownKeysCausesOneRefreshAMinute(t *testing.T) {
	es, stranger := es256Issuer(t, "k"), es256Issuer(t, "unknown")
	set := setOf(t, es)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: set, delay: 50 * time.Millisecond}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		good, bad := claimsOf(t, es), claimsOf(t, stranger)
		expect(t, v, good, nil)
		const minutes = 10
		for range minutes * 60 {
			expectAtOnce(t, 20, v, bad, token.ErrInvalid)
			expect(t, v, good, nil)
			time.Sleep(time.Second - 50*time.Millisecond)
		}
		if got, most := e.requests(), 1+minutes; got > most || got < most-1 {
			t.Errorf("%d requests in %d minutes, want %d", got, minutes, most)
		}
	})
}

// claimsOf signs a token that outlives a long test.
func claimsOf(tb testing.TB, i issuer) string {
	tb.Helper()
	return i.sign(tb, i.header(), claimsWith(`"exp":%d`, in(48*time.Hour)))
}

func TestCache_ManyCallersShareOneFetch(t *testing.T) {
	before, after := es256Issuer(t, "1"), es256Issuer(t, "2")
	setBefore, setAfter := setOf(t, before), setOf(t, before, after)
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{set: setBefore}
		v := e.open(t.Context(), token.Config{})
		defer v.Close()
		expect(t, v, before.token(t), nil)
		e.serve(setAfter, time.Second)
		expectAtOnce(t, 200, v, after.token(t), nil)
		if got := e.requests(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

func TestCache_ReportsEveryFetch(t *testing.T) {
	set := setOf(t, es256Issuer(t, "1"), eddsaIssuer(t, "2"))
	synctest.Test(t, func(t *testing.T) {
		e := &endpoint{}
		type report struct {
			keys   int
			failed bool
		}
		var reports []report
		v := e.open(t.Context(), token.Config{OnRefresh: func(keys int, err error) {
			reports = append(reports, report{keys, err != nil})
		}})
		time.Sleep(500 * time.Millisecond)
		e.serve(set, 0)
		time.Sleep(time.Second)
		e.serve("", 0)
		time.Sleep(time.Hour)
		v.Close()
		want := []report{{0, true}, {2, false}, {2, true}}
		if len(reports) != len(want) || reports[0] != want[0] || reports[1] != want[1] || reports[2] != want[2] {
			t.Errorf("got %v, want %v", reports, want)
		}
	})
}
