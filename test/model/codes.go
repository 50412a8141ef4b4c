package model

import (
	"context"
	"slices"
	"time"

	"github.com/create-user/create-user/services/code-checker/codes"
)

// Codes is what the code-checker needs of Redis, and what a test needs beside it.
type Codes interface {
	Claim(ctx context.Context, attempts []codes.Attempt) ([]codes.Verdict, []error)
	Delete(ctx context.Context, holders []codes.Holder) []error
	Release(ctx context.Context, holders []codes.Holder) []error
	// Store stores a code, as its issuer does.
	Store(ctx context.Context, id, code string, ttl time.Duration) error
	// Pass lets time pass.
	Pass(d time.Duration)
	// Stands returns the code that is stored for an Id and the saga that holds it;
	// each empty when there is none.
	Stands(id string) (code, claim string)
}

// codeTable is the model of package codes. That it answers alike is tested, over
// the very interleavings that the simulation makes.
type codeTable struct {
	mutant Mutant
	now    time.Duration
	users  map[string]*userCode
}

// NewCodes returns the model of the codes.
func NewCodes() Codes { return newCodeTable(Sound) }

func newCodeTable(m Mutant) *codeTable { return &codeTable{mutant: m, users: map[string]*userCode{}} }

// userCode is what is kept for one Id.
type userCode struct {
	code     lasting
	claim    lasting // the saga that holds it
	used     lasting // the saga that used a code
	usedCode string
	deleted  bool // the code in usedCode was deleted
	counted  lasting
	wrong    []string // sagas that gave a wrong code for counted
}

// lasting is a value that runs out.
type lasting struct {
	value string
	until time.Duration // 0: never
}

func (c *codeTable) lasts(value string, ttl time.Duration) lasting {
	if ttl == 0 {
		return lasting{value: value}
	}
	return lasting{value, c.now + ttl}
}

func (c *codeTable) user(id string) *userCode {
	u := c.users[id]
	if u == nil {
		u = &userCode{}
		c.users[id] = u
	}
	return u
}

func (c *codeTable) Pass(d time.Duration) {
	c.now += d
	for _, u := range c.users {
		for _, v := range []*lasting{&u.code, &u.claim, &u.used, &u.counted} {
			if v.until != 0 && v.until <= c.now {
				*v = lasting{}
			}
		}
		if u.counted.value == "" {
			u.wrong = nil
		}
	}
}

func (c *codeTable) Store(_ context.Context, id, code string, ttl time.Duration) error {
	c.user(id).code = c.lasts(code, ttl)
	return nil
}

func (c *codeTable) Stands(id string) (code, claim string) {
	u := c.user(id)
	return u.code.value, u.claim.value
}

func (c *codeTable) Claim(_ context.Context, attempts []codes.Attempt) ([]codes.Verdict, []error) {
	verdicts := make([]codes.Verdict, len(attempts))
	for i, a := range attempts {
		verdicts[i] = c.try(c.user(a.ID), a)
	}
	return verdicts, make([]error, len(attempts))
}

// usedFor is how long it is remembered which saga used a code, countedFor how long
// wrong tries at a code without a TTL are. Source: package codes.
const (
	usedFor    = 10 * time.Minute
	countedFor = 24 * time.Hour
)

func (c *codeTable) try(u *userCode, a codes.Attempt) codes.Verdict {
	switch {
	case c.mutant == ClaimRepeats && u.claim.value == a.Saga:
		return codes.Verdict{Kind: codes.Duplicate, Of: a.Saga}
	case u.claim.value == a.Saga, u.used.value == a.Saga && u.deleted:
		return codes.Verdict{Kind: codes.Claimed}
	case u.used.value == a.Saga:
		u.claim = c.lasts(a.Saga, a.ClaimTTL)
		return codes.Verdict{Kind: codes.Claimed}
	case u.used.value != "" && u.usedCode == a.Code && a.Code != u.code.value:
		return codes.Verdict{Kind: codes.Duplicate, Of: u.used.value}
	}
	if u.code.value != "" && u.counted.value != "" && u.counted.value != u.code.value {
		u.counted, u.wrong = lasting{}, nil
	}
	switch {
	case slices.Contains(u.wrong, a.Saga):
		return codes.Verdict{Kind: codes.Incorrect}
	case len(u.wrong) >= codes.Tries:
		return codes.Verdict{Kind: codes.Locked}
	case u.code.value == "":
		return codes.Verdict{Kind: codes.Incorrect}
	case u.code.value != a.Code:
		c.count(u, a.Saga)
		return codes.Verdict{Kind: codes.Incorrect}
	}
	return c.claim(u, a)
}

// claim claims a code that was given right.
func (c *codeTable) claim(u *userCode, a codes.Attempt) codes.Verdict {
	if len(u.wrong) > 0 {
		c.remember(u)
	}
	if u.claim.value != "" {
		return codes.Verdict{Kind: codes.Duplicate, Of: u.claim.value}
	}
	u.claim = c.lasts(a.Saga, a.ClaimTTL)
	u.used, u.usedCode, u.deleted = c.lasts(a.Saga, max(a.ClaimTTL, usedFor)), a.Code, false
	return codes.Verdict{Kind: codes.Claimed}
}

func (c *codeTable) count(u *userCode, saga string) {
	u.wrong = append(u.wrong, saga)
	c.remember(u)
	if len(u.wrong) == codes.Tries {
		u.code = lasting{}
	}
}

func (c *codeTable) remember(u *userCode) {
	u.counted = u.code
	if u.code.until == 0 {
		u.counted = c.lasts(u.code.value, countedFor)
	}
}

func (c *codeTable) Delete(_ context.Context, holders []codes.Holder) []error {
	for _, h := range holders {
		u := c.user(h.ID)
		if u.used.value == h.Saga && u.deleted {
			continue
		}
		before := u.used.value != "" && u.deleted // another saga deleted what it had used
		if u.used.value != h.Saga && (u.code.value != "" || !before) {
			u.usedCode = u.code.value
		}
		u.used, u.deleted = c.lasts(h.Saga, usedFor), true
		u.code, u.counted, u.wrong = lasting{}, lasting{}, nil
		if u.claim.value == h.Saga {
			u.claim = lasting{}
		}
	}
	return make([]error, len(holders))
}

func (c *codeTable) Release(_ context.Context, holders []codes.Holder) []error {
	for _, h := range holders {
		u := c.user(h.ID)
		if u.claim.value == h.Saga {
			u.claim = lasting{}
		}
		if u.used.value == h.Saga && !u.deleted {
			u.used = lasting{}
		}
	}
	return make([]error, len(holders))
}
