package codestest

import (
	"slices"
	"testing"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
	"pgregory.net/rapid"
)

// model says in Go what the scripts do, with codes in clear and a clock of its own.
type model struct {
	now      time.Duration
	code     lasting // what is stored
	claim    lasting // who holds it
	used     lasting // who used a code
	usedCode string
	deleted  bool // the one who used it has deleted it
	counted  lasting
	wrong    []string // who gave a wrong code for counted
}

// lasting is a value that may run out.
type lasting struct {
	value string
	until time.Duration // 0: never
}

func (m *model) lasts(value string, ttl time.Duration) lasting {
	if ttl == 0 {
		return lasting{value: value}
	}
	return lasting{value, m.now + ttl}
}

// pass lets time pass.
func (m *model) pass(d time.Duration) {
	m.now += d
	for _, v := range []*lasting{&m.code, &m.claim, &m.used, &m.counted} {
		if v.until != 0 && v.until <= m.now {
			*v = lasting{}
		}
	}
	if m.counted.value == "" {
		m.wrong = nil
	}
}

func (m *model) try(saga, given string, ttl time.Duration) string {
	switch {
	case m.claim.value == saga, m.used.value == saga && m.deleted:
		return "claimed"
	case m.used.value == saga:
		m.claim = m.lasts(saga, ttl)
		return "claimed"
	case m.used.value != "" && m.usedCode == given && given != m.code.value:
		return "duplicate of " + m.used.value
	}
	if m.code.value != "" && m.counted.value != "" && m.counted.value != m.code.value {
		m.counted, m.wrong = lasting{}, nil
	}
	switch {
	case slices.Contains(m.wrong, saga):
		return "incorrect"
	case len(m.wrong) >= codes.Tries:
		return "locked"
	case m.code.value == "":
		return "incorrect"
	case m.code.value != given:
		m.count(saga)
		return "incorrect"
	}
	if len(m.wrong) > 0 {
		m.remember() // a right try, too, makes the count last as long as the code
	}
	if m.claim.value != "" {
		return "duplicate of " + m.claim.value
	}
	m.claim = m.lasts(saga, ttl)
	m.used, m.usedCode, m.deleted = m.lasts(saga, max(ttl, 10*time.Minute)), given, false
	return "claimed"
}

func (m *model) count(saga string) {
	m.wrong = append(m.wrong, saga)
	m.remember()
	if len(m.wrong) == codes.Tries {
		m.code = lasting{}
	}
}

func (m *model) remember() {
	m.counted = lasting{m.code.value, m.code.until}
	if m.code.until == 0 {
		m.counted = m.lasts(m.code.value, 24*time.Hour)
	}
}

func (m *model) delete(saga string) {
	if m.used.value == saga && m.deleted {
		return
	}
	if m.used.value != saga {
		m.usedCode = m.code.value
	}
	m.used, m.deleted = m.lasts(saga, 10*time.Minute), true
	m.code, m.counted, m.wrong = lasting{}, lasting{}, nil
	if m.claim.value == saga {
		m.claim = lasting{}
	}
}

func (m *model) release(saga string) {
	if m.claim.value == saga {
		m.claim = lasting{}
	}
	if m.used.value == saga && !m.deleted {
		m.used = lasting{}
	}
}

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
			"a saga tries, too":             h.try,
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
	return rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}).Draw(t, "saga")
}

func (h *history) try(t *rapid.T) {
	saga := h.saga(t)
	if h.given[saga] == "" {
		h.given[saga] = rapid.SampledFrom([]string{"1", "2", "3", "4", "5"}).Draw(t, "given")
	}
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
	if got := h.user.get(h.user.usedKey()) != ""; got != (h.model.used.value != "") {
		t.Fatalf("a trace of use: %v", got)
	}
}
