package model

import (
	"context"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/create-user/create-user/services/user-writer/store"
)

// This file is the model of the services' business rules.

// rule does what the step does.
func (h *hand) rule() result {
	switch body := h.Body.(type) {
	case event.Requested:
		return h.verify(body)
	case event.TokenVerified:
		return h.check(body)
	case event.CodeChecked:
		return h.encrypt(body)
	case event.Encrypted:
		if h.w.Mutant == EffectAfter {
			return result{next: event.Created{ID: body.ID}}
		}
		return h.write(body)
	case event.Created:
		return h.complete(body)
	case event.Ended:
		return h.compensate(body)
	}
	return result{cause: poison}
}

// effect is one moment in which a step acts on a part, and what goes wrong with it:
// before it, so that nothing has happened, or after it, so that the step does not
// know. act must not fail.
func (h *hand) effect(p part, act func()) cause {
	h.pause()
	w := h.w
	curse := w.curseOn(h)
	switch {
	case curse == panicked, curse == odd:
		return curse
	case curse == dies:
		act()
		w.leaveBehind(h)
		panic(crashed{})
	case w.away[p]:
		return unavailable
	case !w.storm:
		act()
		return fine
	}
	fault := w.Pick("effect", 20)
	if fault != 19 && fault != 18 {
		act()
	}
	switch fault {
	case 19, 17:
		return unavailable
	case 18, 16:
		return odd
	case 15:
		if h.Type.Terminal() {
			return odd // a compensation that panics is for an operator to repair
		}
		return panicked
	}
	return fine
}

func (h *hand) verify(r event.Requested) result {
	if c := h.effect(keys, func() {}); c != fine {
		return result{cause: c}
	}
	if r.Token != validToken {
		return reject(event.CodeSessionExpired)
	}
	return result{next: event.TokenVerified{ID: r.ID, Code: r.Code, Username: r.Username}}
}

// claimBeyond is how long a claim outlives its saga's deadline.
const claimBeyond = time.Minute

func (h *hand) check(e event.TokenVerified) result {
	var verdicts []codes.Verdict
	var errs []error
	c := h.effect(redis, func() {
		verdicts, errs = h.w.Codes.Claim(context.Background(), []codes.Attempt{{
			ID: e.ID, Code: e.Code, Saga: h.Saga, ClaimTTL: max(0, h.Deadline.Sub(h.w.now)) + claimBeyond,
		}})
		h.w.must(errs...)
		h.claimed = verdicts[0].Kind == codes.Claimed
	})
	if c != fine {
		return result{cause: c}
	}
	switch verdicts[0].Kind {
	case codes.Incorrect:
		return reject(event.CodeIncorrect)
	case codes.Locked:
		return reject(event.CodeLocked)
	case codes.Duplicate:
		return h.duplicate(e, verdicts[0].Of)
	}
	return result{next: event.CodeChecked{ID: e.ID, Username: e.Username}}
}

// duplicate is the result of a saga whose code is in the hands of saga of, unless
// that has failed: then its claim, which is yet to be released, is released now.
func (h *hand) duplicate(e event.TokenVerified, of string) result {
	h.pause()
	if h.w.chance("read fails", 12) {
		return result{cause: unavailable}
	}
	i := h.w.history.place(event.Key{User: h.User, Saga: of})
	if i < 0 || h.w.history.events[i].Type != event.TypeFailed {
		r := reject(event.CodeDuplicateRequest)
		r.of = of
		return r
	}
	if c := h.release(e.ID, of); c != fine {
		return result{cause: c}
	}
	return result{cause: odd}
}

// unusableTries is how many nonsense answers the encryption service may give.
const unusableTries = 3

func (h *hand) encrypt(e event.CodeChecked) result {
	if c := h.effect(soap, func() {}); c != fine {
		return result{cause: c}
	}
	if h.w.who(e.ID).refused || h.delivery >= unusableTries && h.w.chance("nonsense", 8) {
		h.w.who(e.ID).unencrypted = true
		return reject(event.CodeEncryptionFailed)
	}
	return result{next: event.Encrypted{
		ID: e.ID, EncryptedPhone: "phone of " + e.Username, EncryptedPassword: "password of " + h.Saga, Username: e.Username,
	}}
}

func (h *hand) storeKey() store.Key { return store.Key{Saga: h.Saga, User: h.User} }

func (h *hand) write(e event.Encrypted) result {
	var written []store.Result
	c := h.effect(database, func() {
		var err error
		written, err = h.w.Users.Insert(context.Background(), []store.User{{
			Key: h.storeKey(), ID: e.ID, Phone: e.EncryptedPhone, Password: e.EncryptedPassword, Name: e.Username,
		}})
		h.w.must(err)
	})
	if c != fine {
		return result{cause: c}
	}
	switch written[0].Verdict {
	case store.Exists:
		return h.exists(e.ID)
	case store.Removed, store.Refused:
		return reject(event.CodeProcessingError)
	}
	return result{next: event.Created{ID: e.ID, Username: e.Username}}
}

// exists is the result of a saga whose Id is taken. The row of a saga that has
// failed is yet to be removed, and is removed now.
func (h *hand) exists(id string) result {
	h.pause()
	w := h.w
	row, found, err := w.Users.Find(context.Background(), id)
	w.must(err)
	if !found {
		return result{cause: odd}
	}
	if row.Key == h.storeKey() {
		w.blame("exists", id, h.Saga, "its own row is taken for another one's")
	}
	if w.chance("read fails", 12) {
		return result{cause: unavailable}
	}
	i := w.history.place(event.Key{User: row.Key.User, Saga: row.Saga})
	switch {
	case i < 0, !w.history.events[i].Type.BeforePivot() && w.history.events[i].Type != event.TypeFailed:
		w.stood[h.Key] = true
		return reject(event.CodeUserExists)
	case w.Mutant == ExistsBlind:
		return reject(event.CodeUserExists)
	case w.history.events[i].Type == event.TypeFailed:
		if c := h.effect(database, func() { w.must(w.Users.Remove(context.Background(), []store.Key{row.Key})) }); c != fine {
			return result{cause: c}
		}
	}
	return result{cause: odd}
}

func (h *hand) complete(e event.Created) result {
	c := h.effect(redis, func() {
		h.w.must(h.w.Codes.Delete(context.Background(), []codes.Holder{{ID: e.ID, Saga: h.Saga}})...)
	})
	if c != fine {
		return result{cause: c}
	}
	return result{next: event.NewEnded(e.ID, event.StepCodeDeleter, event.CodeCreated)}
}

// compensate is both the claim-releaser and the row-remover.
func (h *hand) compensate(e event.Ended) result {
	m := h.w.Mutant
	switch {
	case h.step.Name == event.StepClaimReleaser && m != NoRelease:
		return result{cause: h.release(e.ID, h.Saga)}
	case h.step.Name == event.StepRowRemover && m != NoRemoval:
		return result{cause: h.remove(e.ID)}
	}
	return result{}
}

func (h *hand) release(id, saga string) cause {
	return h.effect(redis, func() {
		h.w.must(h.w.Codes.Release(context.Background(), []codes.Holder{{ID: id, Saga: saga}})...)
	})
}

func (h *hand) remove(id string) cause {
	return h.effect(database, func() {
		if t, ok := h.w.Users.(*userTable); ok && h.w.Mutant == RemoveByID {
			t.seize(id)
		}
		h.w.must(h.w.Users.Remove(context.Background(), []store.Key{h.storeKey()}))
	})
}
