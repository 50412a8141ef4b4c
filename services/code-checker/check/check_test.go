package check

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/code-checker/codes"
)

const secretCode = "739154"

// now is when the tests are.
func now() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

var (
	errAway = io.ErrUnexpectedEOF // as the codes package knows a Redis that is away
	errOdd  = errors.New("odd")
)

// answer is what the fake store says of a user.
type answer struct {
	verdict  codes.Verdict
	claim    error
	settling error // of Delete and Release
}

// keeper is a fake of the store. It notes what it is asked.
type keeper struct {
	answers           map[string]answer // by Id
	attempts          []codes.Attempt
	deleted, released []codes.Holder
}

func (r *keeper) Claim(_ context.Context, attempts []codes.Attempt) ([]codes.Verdict, []error) {
	r.attempts = append(r.attempts, attempts...)
	verdicts, errs := make([]codes.Verdict, len(attempts)), make([]error, len(attempts))
	for i, a := range attempts {
		verdicts[i], errs[i] = r.answers[a.ID].verdict, r.answers[a.ID].claim
	}
	return verdicts, errs
}

func (r *keeper) Delete(_ context.Context, holders []codes.Holder) []error {
	r.deleted = append(r.deleted, holders...)
	return r.settling(holders)
}

func (r *keeper) Release(_ context.Context, holders []codes.Holder) []error {
	r.released = append(r.released, holders...)
	return r.settling(holders)
}

func (r *keeper) settling(holders []codes.Holder) []error {
	errs := make([]error, len(holders))
	for i, h := range holders {
		errs[i] = r.answers[h.ID].settling
	}
	return errs
}

// past is a fake of the history: the last event of any saga.
type past struct {
	last event.Type
	err  error
	key  event.Key // asked for last
}

func (p *past) Last(_ context.Context, k event.Key) (saga.Stored, error) {
	p.key = k
	return saga.Stored{Key: k, Type: p.last}, p.err
}

// taken is an event of user id, in saga s1, whose deadline is in a minute.
func taken[B event.Body](body B) saga.Event[B] {
	return saga.Event[B]{
		Key:  event.Key{User: event.UserHash(body.UserID()), Saga: "s1"},
		Meta: event.Meta{Deadline: now().Add(time.Minute)}, Body: body, Delivery: 1,
	}
}

func verified(id string) saga.Event[event.TokenVerified] {
	return taken(event.TokenVerified{
		ID: id, Code: secretCode, Username: "Ada L.", Sealed: event.Sealed{KeyID: "k", Saga: "s1"}, Image: event.Image{Inline: "i"},
	})
}

func policies[B event.Body](results []saga.Result[B]) []string {
	list := make([]string, len(results))
	for i, r := range results {
		list[i] = servicetest.Policy(r.Err)
	}
	return list
}

func TestCheck_ClaimsForAsLongAsTheSagaMayTake(t *testing.T) {
	late := verified("late")
	late.Meta.Deadline = now().Add(-time.Hour)
	store := &keeper{answers: map[string]answer{"ada": {verdict: codes.Verdict{Kind: codes.Claimed}}, "late": {verdict: codes.Verdict{Kind: codes.Claimed}}}}
	c := checker{codes: store, now: now}
	results := c.check(t.Context(), []saga.Event[event.TokenVerified]{verified("ada"), late})
	want := []codes.Attempt{
		{ID: "ada", Code: secretCode, Saga: "s1", ClaimTTL: 2 * time.Minute},
		{ID: "late", Code: secretCode, Saga: "s1", ClaimTTL: time.Minute},
	}
	if diff := cmp.Diff(want, store.attempts); diff != "" {
		t.Errorf("attempts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"next", "next"}, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	next := event.CodeChecked{ID: "ada", Username: "Ada L.", Sealed: event.Sealed{KeyID: "k", Saga: "s1"}, Image: event.Image{Inline: "i"}}
	if diff := cmp.Diff(next, results[0].Next); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestCheck_JudgesEachEventOfABatchByItself(t *testing.T) {
	store := &keeper{answers: map[string]answer{
		"right":  {verdict: codes.Verdict{Kind: codes.Claimed}},
		"wrong":  {verdict: codes.Verdict{Kind: codes.Incorrect}},
		"locked": {verdict: codes.Verdict{Kind: codes.Locked}},
		"twice":  {verdict: codes.Verdict{Kind: codes.Duplicate, Of: "s0"}},
		"away":   {claim: errAway},
		"odd":    {claim: errOdd},
		"new":    {verdict: codes.Verdict{Kind: 99}},
	}}
	c := checker{codes: store, history: &past{last: event.TypeCreated}, now: now}
	var batch []saga.Event[event.TokenVerified]
	for _, id := range []string{"right", "wrong", "locked", "twice", "away", "odd", "new", "right"} {
		batch = append(batch, verified(id))
	}
	results := c.check(t.Context(), batch)
	want := []string{"next", "fail: code_incorrect", "fail: code_locked", "fail: duplicate_request", "hold", "retry", "retry", "next"}
	if diff := cmp.Diff(want, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	for _, r := range results {
		if r.Err != nil && strings.Contains(r.Err.Error(), secretCode) {
			t.Errorf("the error echoes the code: %v", r.Err)
		}
	}
}

func TestCheck_ADuplicateIsOneOnlyOfASagaThatHasNotFailed(t *testing.T) {
	for name, c := range map[string]struct {
		history  past
		settling error
		want     string
		released []codes.Holder
	}{
		"of an open saga":       {history: past{last: event.TypeTokenVerified}, want: "fail: duplicate_request"},
		"of a created one":      {history: past{last: event.TypeCreated}, want: "fail: duplicate_request"},
		"of a completed one":    {history: past{last: event.TypeCompleted}, want: "fail: duplicate_request"},
		"of a forgotten one":    {history: past{err: saga.ErrNoEvent}, want: "fail: duplicate_request"},
		"the store is away":     {history: past{err: errOdd}, want: "hold"},
		"not of a failed one":   {past{last: event.TypeFailed}, nil, "retry", []codes.Holder{{ID: "ada", Saga: "s0"}}},
		"which Redis withholds": {past{last: event.TypeFailed}, errAway, "hold", []codes.Holder{{ID: "ada", Saga: "s0"}}},
		"which cannot be freed": {past{last: event.TypeFailed}, errOdd, "retry", []codes.Holder{{ID: "ada", Saga: "s0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			store := &keeper{answers: map[string]answer{"ada": {verdict: codes.Verdict{Kind: codes.Duplicate, Of: "s0"}, settling: c.settling}}}
			history := c.history
			err := checker{codes: store, history: &history, now: now}.check(t.Context(), []saga.Event[event.TokenVerified]{verified("ada")})[0].Err
			if policy := servicetest.Policy(err); policy != c.want {
				t.Errorf("%s (%v), want %s", policy, err, c.want)
			}
			if r, ok := errors.AsType[*saga.Rejection](err); ok && r.Of != "s0" {
				t.Errorf("duplicate of %q", r.Of)
			}
			if want := (event.Key{User: event.UserHash("ada"), Saga: "s0"}); history.key != want {
				t.Errorf("the history of %v was asked for", history.key)
			}
			if diff := cmp.Diff(c.released, store.released); diff != "" {
				t.Errorf("released (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRelease_ReportsWhyItCannot(t *testing.T) {
	store := &keeper{answers: map[string]answer{"odd": {settling: errOdd}}}
	c := checker{codes: store}
	if err := c.release(t.Context(), verified("ada")); err != nil {
		t.Error(err)
	}
	if err := c.release(t.Context(), verified("odd")); !errors.Is(err, errOdd) {
		t.Error(err)
	}
	want := []codes.Holder{{ID: "ada", Saga: "s1"}, {ID: "odd", Saga: "s1"}}
	if diff := cmp.Diff(want, store.released); diff != "" {
		t.Errorf("released (-want +got):\n%s", diff)
	}
}

func TestComplete_DeletesAndCompletesEachByItself(t *testing.T) {
	store := &keeper{answers: map[string]answer{"away": {settling: errAway}, "odd": {settling: errOdd}}}
	results := checker{codes: store}.complete(t.Context(), []saga.Event[event.Created]{
		taken(event.Created{ID: "away"}), taken(event.Created{ID: "ada"}), taken(event.Created{ID: "odd"}),
	})
	if diff := cmp.Diff([]string{"hold", "next", "retry"}, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	want := event.Ended{ID: "ada", Status: true, Code: event.CodeCreated, Message: "User created successfully", Step: event.StepCodeDeleter}
	if diff := cmp.Diff(want, results[1].Next); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]codes.Holder{{ID: "away", Saga: "s1"}, {ID: "ada", Saga: "s1"}, {ID: "odd", Saga: "s1"}}, store.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestCompensate_ReleasesEachByItself(t *testing.T) {
	store := &keeper{answers: map[string]answer{"away": {settling: errAway}, "odd": {settling: errOdd}}}
	failed := func(id string) saga.Event[event.Ended] {
		return taken(event.NewEnded(id, event.StepEncryptor, event.CodeEncryptionFailed))
	}
	results := checker{codes: store}.compensate(t.Context(), []saga.Event[event.Ended]{failed("odd"), failed("ada"), failed("away"), failed("")})
	if diff := cmp.Diff([]string{"retry", "next", "hold", "next"}, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if len(store.released) != 4 || len(store.deleted) != 0 {
		t.Errorf("released %v, deleted %v", store.released, store.deleted)
	}
}
