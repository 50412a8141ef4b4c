package codestest

import (
	"fmt"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
	"pgregory.net/rapid"
)

// ledger states what must hold whatever the model says. It knows only what was asked and answered.
type ledger struct {
	holder  string // who was told "claimed" and has not settled since
	until   time.Duration
	guesses map[string]bool // sagas told "incorrect" about what is stored
	settled map[string]bool // sagas that deleted
}

// testModel runs random histories of one user against the model.
func testModel(t *testing.T, open func(testing.TB) *user) {
	base := open(t)
	rapid.Check(t, func(t *rapid.T) {
		h := &history{
			t: t, user: base.another(), model: &model{}, given: map[string]string{},
			ledger: ledger{guesses: map[string]bool{}, settled: map[string]bool{}},
		}
		defer base.redis.Del(base.tb.Context(), h.user.keys()...)
		t.Repeat(map[string]func(*rapid.T){
			"the issuer stores a code":      h.issue,
			"the issuer withdraws the code": h.withdraw,
			"another type is stored":        h.spoil,
			"a saga tries":                  h.try,
			"strangers guess":               h.guess,
			"a saga completed":              h.delete,
			"a saga failed":                 h.release,
			"time passes":                   h.pass,
			"the scripts are forgotten":     h.forget,
			"":                              h.compare,
		})
	})
}

// history is one random run.
type history struct {
	t      *rapid.T
	user   *user
	model  *model
	given  map[string]string // what each saga gives, always the same
	ledger ledger
}

// Times are multiples of ten seconds, so that what the test itself takes does not matter.
func (h *history) issue(t *rapid.T) {
	code := rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "code")
	ttl := rapid.SampledFrom([]time.Duration{0, 30 * time.Second, 5 * time.Minute, time.Hour}).Draw(t, "ttl")
	h.user.store(code, ttl)
	if code != h.model.code.value {
		clear(h.ledger.guesses)
	}
	h.model.code = h.model.lasts(code, ttl)
}

func (h *history) withdraw(*rapid.T) {
	h.user.must(h.user.redis.Del(h.user.tb.Context(), h.user.id).Err())
	h.model.code = lasting{}
}

func (h *history) spoil(t *rapid.T) {
	h.withdraw(t)
	h.user.must(h.user.redis.SAdd(h.user.tb.Context(), h.user.id, "1").Err())
}

func (h *history) saga(t *rapid.T) string {
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "saga")
}

func (h *history) try(t *rapid.T) {
	saga := h.saga(t)
	if h.given[saga] == "" {
		h.given[saga] = rapid.SampledFrom([]string{"1", "2", "3", "4"}).Draw(t, "given")
	}
	h.tryAs(t, saga)
}

// guess is a few tries by sagas that come once only, so that histories reach the lock.
func (h *history) guess(t *rapid.T) {
	for range rapid.IntRange(1, 4).Draw(t, "guesses") {
		saga := fmt.Sprint("stranger-", len(h.given))
		h.given[saga] = rapid.SampledFrom([]string{"1", "4", "5"}).Draw(t, "guess")
		h.tryAs(t, saga)
	}
}

func (h *history) tryAs(t *rapid.T, saga string) {
	ttl := rapid.SampledFrom([]time.Duration{time.Minute, 3 * time.Minute, 20 * time.Minute}).Draw(t, "claim TTL")
	before := h.user.stored()
	want := h.model.try(saga, h.given[saga], ttl)
	got := words(h.user.claimFor(saga, h.given[saga], ttl))
	if got != want {
		t.Fatalf("saga %s: got %s, want %s", saga, got, want)
	}
	h.check(t, saga, got, before, ttl)
}

// check holds a verdict against the ledger.
func (h *history) check(t *rapid.T, saga, got, before string, ttl time.Duration) {
	l := &h.ledger
	switch got {
	case "claimed":
		if l.holder != "" && l.holder != saga && h.model.now < l.until && !l.settled[saga] {
			t.Fatalf("%s and %s hold the code at once", l.holder, saga)
		}
		if l.holder != saga && !l.settled[saga] {
			l.holder, l.until = saga, h.model.now+ttl
		}
	case "incorrect":
		if before != "" {
			l.guesses[saga] = true
		}
		if len(l.guesses) > codes.Tries {
			t.Fatalf("%d wrong codes were compared with one", len(l.guesses))
		}
		if before != "" && before == h.given[saga] && len(l.guesses) == 1 {
			t.Fatalf("the right code is called incorrect")
		}
	}
}

func (h *history) delete(t *rapid.T) {
	saga, before := h.saga(t), h.user.stored()
	again := h.model.used.value == saga && h.model.deleted
	h.model.delete(saga)
	h.user.delete(saga)
	after := h.user.stored()
	if again && after != before {
		t.Fatal("a repeated deletion deleted something")
	}
	if !again && after != "" {
		t.Fatal("the user is created, and a code is still stored")
	}
	h.settle(saga)
	h.ledger.settled[saga] = true
	clear(h.ledger.guesses)
}

func (h *history) release(t *rapid.T) {
	saga, before := h.saga(t), h.user.stored()
	h.model.release(saga)
	h.user.release(saga)
	if h.user.stored() != before {
		t.Fatal("a release changed the code")
	}
	h.settle(saga)
}

func (h *history) settle(saga string) {
	if h.ledger.holder == saga {
		h.ledger.holder = ""
	}
}

func (h *history) pass(t *rapid.T) {
	d := 10 * time.Second * time.Duration(rapid.SampledFrom([]int{1, 3, 6, 18, 60, 360}).Draw(t, "time"))
	h.model.pass(d)
	h.user.elapse(d)
	clear(h.ledger.guesses)
}

func (h *history) forget(*rapid.T) {
	h.user.must(h.user.redis.ScriptFlush(h.user.tb.Context()).Err())
}

// compare holds what Redis has against the model, after every step.
func (h *history) compare(t *rapid.T) {
	if got, want := h.user.stored(), h.model.code.value; got != want {
		t.Fatalf("stored is %q, want %q", got, want)
	}
	if got, want := h.user.holder(), h.model.claim.value; got != want {
		t.Fatalf("held by %q, want %q", got, want)
	}
	if got, want := h.user.get(h.user.usedKey()), h.model.trace(); got != want {
		t.Fatalf("used is %q, want %q", got, want)
	}
	fields, err := h.user.redis.HLen(h.user.tb.Context(), h.user.attemptsKey()).Result()
	h.user.must(err)
	if got, want := max(0, int(fields)-1), len(h.model.wrong); got != want {
		t.Fatalf("%d wrong tries are counted, want %d", got, want)
	}
}
