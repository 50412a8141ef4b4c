// Package check is the second step of the saga, and its end: it compares and
// claims the code of a registration, deletes both when the user is created,
// and releases the claim when the saga has failed.
package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/code-checker/codes"
)

// claimBeyond is how long a claim outlives its saga's deadline.
const claimBeyond = time.Minute

// store is where codes and claims are kept. Each call is one round trip for the
// whole batch; the errors are those of each entry.
type store interface {
	Claim(ctx context.Context, attempts []codes.Attempt) ([]codes.Verdict, []error)
	Delete(ctx context.Context, holders []codes.Holder) []error
	Release(ctx context.Context, holders []codes.Holder) []error
}

// history tells how the saga stands that holds a code. It fails with
// saga.ErrNoEvent when that has no event.
type history interface {
	Last(ctx context.Context, k event.Key) (saga.Stored, error)
}

type checker struct {
	codes   store
	history history
	now     func() time.Time
}

// check claims the codes of a batch.
func (c checker) check(ctx context.Context, batch []saga.Event[event.TokenVerified]) []saga.Result[event.CodeChecked] {
	attempts := make([]codes.Attempt, len(batch))
	for i, e := range batch {
		attempts[i] = codes.Attempt{
			ID: e.Body.ID, Code: e.Body.Code, Saga: e.Saga,
			ClaimTTL: max(0, e.Meta.Deadline.Sub(c.now())) + claimBeyond,
		}
	}
	results := make([]saga.Result[event.CodeChecked], len(batch))
	verdicts, errs := c.codes.Claim(ctx, attempts)
	for i, e := range batch {
		if errs[i] != nil {
			results[i].Err = classify(errs[i])
			continue
		}
		results[i].Err = c.judge(ctx, e, verdicts[i])
		results[i].Next = event.CodeChecked{
			ID: e.Body.ID, Sealed: e.Body.Sealed, Username: e.Body.Username, Image: e.Body.Image,
		}
	}
	return results
}

// judge returns the rejection that a verdict means; none for a claim.
func (c checker) judge(ctx context.Context, e saga.Event[event.TokenVerified], v codes.Verdict) error {
	switch v.Kind {
	case codes.Claimed:
		return nil
	case codes.Incorrect:
		return saga.Reject(event.CodeIncorrect, errors.New("no such code is stored for the Id"))
	case codes.Locked:
		return saga.Reject(event.CodeLocked, errors.New("too many wrong codes"))
	case codes.Duplicate:
		return c.duplicate(ctx, e, v.Of)
	}
	return fmt.Errorf("unknown verdict %d", v.Kind)
}

// errFreed has an event tried again.
var errFreed = errors.New("the code was still held by a saga that has failed: it is free now")

// duplicate returns the rejection of a saga whose code is in the hands of saga
// of. When that one has failed, and only its claim is yet to be released, this
// is no duplicate but a new attempt, whose user would hear of no outcome: the
// first one's was heard before.
func (c checker) duplicate(ctx context.Context, e saga.Event[event.TokenVerified], of string) error {
	first, err := c.history.Last(ctx, event.Key{User: e.User, Saga: of})
	switch {
	case err != nil && !errors.Is(err, saga.ErrNoEvent):
		return saga.Unavailable(fmt.Errorf("read how the saga stands that holds the code: %w", err))
	case err != nil || first.Type != event.TypeFailed:
		return saga.Duplicate(of)
	}
	if err := c.codes.Release(ctx, []codes.Holder{{ID: e.Body.ID, Saga: of}})[0]; err != nil {
		return classify(err)
	}
	return errFreed
}

// release undoes a claim whose saga has failed in the meantime.
func (c checker) release(ctx context.Context, e saga.Event[event.TokenVerified]) error {
	return c.codes.Release(ctx, []codes.Holder{{ID: e.Body.ID, Saga: e.Saga}})[0]
}

// complete deletes the codes of created users, which completes their sagas.
func (c checker) complete(ctx context.Context, batch []saga.Event[event.Created]) []saga.Result[event.Ended] {
	results := make([]saga.Result[event.Ended], len(batch))
	for i, err := range c.codes.Delete(ctx, holders(batch)) {
		results[i].Err = classify(err)
		results[i].Next = event.NewEnded(batch[i].Body.ID, event.StepCodeDeleter, event.CodeCreated)
	}
	return results
}

// compensate releases the claims of failed sagas.
func (c checker) compensate(ctx context.Context, batch []saga.Event[event.Ended]) []saga.Result[saga.Nothing] {
	results := make([]saga.Result[saga.Nothing], len(batch))
	for i, err := range c.codes.Release(ctx, holders(batch)) {
		results[i].Err = classify(err)
	}
	return results
}

func holders[B event.Body](batch []saga.Event[B]) []codes.Holder {
	list := make([]codes.Holder, len(batch))
	for i, e := range batch {
		list[i] = codes.Holder{ID: e.Body.UserID(), Saga: e.Saga}
	}
	return list
}

// classify tells a Redis that is away from any other error.
func classify(err error) error {
	if err != nil && codes.Unavailable(err) {
		return saga.Unavailable(err)
	}
	return err
}
