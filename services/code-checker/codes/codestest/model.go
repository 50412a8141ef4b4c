package codestest

import (
	"crypto/sha1"
	"fmt"
	"slices"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
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
	before := m.used.value != "" && m.deleted // another saga deleted what it had used
	if m.used.value != saga && (m.code.value != "" || !before) {
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

// trace is what stands under the used key.
func (m *model) trace() string {
	if m.used.value == "" {
		return ""
	}
	state, hash := "claimed", ""
	if m.deleted {
		state = "deleted"
	}
	if m.usedCode != "" {
		hash = fmt.Sprintf("%x", sha1.Sum([]byte(m.usedCode)))
	}
	return state + " " + m.used.value + " " + hash
}
