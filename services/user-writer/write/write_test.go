package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/user-writer/store"
)

func TestWrite_InsertsABatchWithItsImages(t *testing.T) {
	users := &table{}
	inline := taken("bob")
	inline.Body.Image.Inline = "small picture"
	batch := []encrypted{taken("ada"), inline, pictured("eve", 20<<10)}
	for range 2 { // a redelivery is inserted again: the store knows the saga
		results := newWriter(users, &album{}).write(t.Context(), batch)
		want := make([]saga.Result[event.Created], 0, len(batch))
		for _, e := range batch {
			want = append(want, saga.Result[event.Created]{Next: event.Created{ID: e.Body.ID, Username: "Ada L."}})
		}
		if diff := cmp.Diff(want, results); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	}
	row := func(id, image string) store.User {
		return store.User{
			Key: store.Key{Saga: "saga-" + id, User: event.UserHash(id)}, ID: id,
			Phone: "p", Password: secretPassword, Name: "Ada L.", Image: image,
		}
	}
	rows := []store.User{row("ada", ""), row("bob", "small picture"), row("eve", "picture of saga-eve")}
	if diff := cmp.Diff([][]store.User{rows, rows}, users.inserts); diff != "" {
		t.Errorf("inserted (-want +got):\n%s", diff)
	}
}

func TestWrite_JudgesEachEventOfABatchByItself(t *testing.T) {
	users := &table{row: &store.User{ID: "exists"}, verdicts: map[string]store.Verdict{
		"exists": store.Exists, "removed": store.Removed, "refused": store.Refused, "new": 99,
	}}
	images := &album{get: func(_ context.Context, ref string) (string, error) {
		if ref == "saga-lost" {
			return "", errOdd
		}
		return "picture", nil
	}}
	batch := []encrypted{taken("ada"), taken("exists"), pictured("lost", 1), taken("removed"), pictured("bob", 1), taken("refused"), taken("new")}
	results := newWriter(users, images).write(t.Context(), batch)
	want := []string{"next", "fail: user_exists", "hold", "fail: processing_error", "next", "fail: processing_error", "retry"}
	if diff := cmp.Diff(want, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	for i, r := range results {
		if r.Err == nil && r.Next.ID != batch[i].Body.ID {
			t.Errorf("event %d goes on as %q", i, r.Next.ID)
		}
		if r.Err != nil && strings.Contains(r.Err.Error(), secretPassword) {
			t.Errorf("the error echoes what it must not: %v", r.Err)
		}
	}
}

func TestWrite_JudgesARowThatHasTheIDByItsSaga(t *testing.T) {
	owner := store.Key{Saga: "s0", User: event.UserHash("ada")}
	ours, foreign := &store.User{Key: owner, ID: "ada"}, &store.User{ID: "ada"}
	for name, c := range map[string]struct {
		row       *store.User
		findErr   error
		removeErr error
		history   past
		delivery  int
		want      string
	}{
		"none of ours":                       {row: foreign, history: past{err: errOdd}, want: "fail: user_exists"},
		"of a created user":                  {row: ours, history: past{last: event.TypeCreated}, want: "fail: user_exists"},
		"of a completed saga":                {row: ours, history: past{last: event.TypeCompleted}, want: "fail: user_exists"},
		"of a saga whose history is gone":    {row: ours, history: past{err: saga.ErrNoEvent}, delivery: lagTries, want: "fail: user_exists"},
		"of a saga that a replica lacks":     {row: ours, history: past{err: saga.ErrNoEvent}, want: "retry"},
		"of a saga that may yet fail":        {row: ours, history: past{last: event.TypeEncrypted}, want: "retry"},
		"of a saga that has failed":          {row: ours, history: past{last: event.TypeFailed}, want: "retry"},
		"that cannot be removed for now":     {row: ours, history: past{last: event.TypeFailed}, removeErr: errAway, want: "hold"},
		"that is gone meanwhile":             {want: "retry"},
		"when the database is away":          {findErr: errAway, want: "hold"},
		"when the event store is away":       {row: ours, history: past{err: errOdd}, want: "hold"},
		"when the database says what is odd": {findErr: errOdd, want: "retry"},
	} {
		t.Run(name, func(t *testing.T) {
			users := &table{verdicts: map[string]store.Verdict{"ada": store.Exists}, row: c.row, findErr: c.findErr, removeErr: c.removeErr}
			history := c.history
			e := taken("ada")
			e.Delivery = max(1, c.delivery)
			w := writer{users: users, images: &album{}, history: &history, log: zerolog.Nop()}
			if diff := cmp.Diff([]string{"next", c.want}, policies(w.write(t.Context(), []encrypted{taken("bob"), e}))); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			var want []store.Key
			if history.last == event.TypeFailed {
				want = []store.Key{owner}
			}
			if diff := cmp.Diff(want, users.removed); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
			if c.row == ours && history.key != (event.Key{User: owner.User, Saga: owner.Saga}) {
				t.Errorf("the history of %v was asked for", history.key)
			}
		})
	}
}

func TestWrite_ADatabaseThatIsAwayIsWaitedFor(t *testing.T) {
	for err, want := range map[error]string{errAway: "hold", context.DeadlineExceeded: "hold", errOdd: "retry"} {
		users := &table{err: err}
		images := &album{get: func(context.Context, string) (string, error) { return "", event.ErrImage }}
		results := newWriter(users, images).write(t.Context(), []encrypted{taken("ada"), pictured("bad", 1), taken("bob")})
		if diff := cmp.Diff([]string{want, "fail: invalid_request", want}, policies(results)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
}

func TestWrite_JudgesAnImageThatCannotBeHad(t *testing.T) {
	for name, c := range map[string]struct {
		get      func(context.Context, string) (string, error)
		delivery int
		want     string
	}{
		"one that is not what it says is refused": {func(context.Context, string) (string, error) {
			return "", fmt.Errorf("%w: another checksum", event.ErrImage)
		}, 1, "fail: invalid_request"},
		"one that is missing may be late": {func(context.Context, string) (string, error) {
			return "", images.ErrMissing
		}, missingTries - 1, "retry"},
		"one that stays missing is refused": {func(context.Context, string) (string, error) {
			return "", images.ErrMissing
		}, missingTries, "fail: invalid_request"},
		"a store that is away is waited for": {func(context.Context, string) (string, error) {
			return "", errOdd
		}, 9, "hold"},
		"a panic makes it a dead letter": {func(context.Context, string) (string, error) {
			panic(secretPassword)
		}, 1, "dead-letter"},
	} {
		t.Run(name, func(t *testing.T) {
			users, e := &table{}, pictured("ada", 1)
			e.Delivery = c.delivery
			images := &album{get: func(ctx context.Context, ref string) (string, error) {
				if ref == e.Saga {
					return c.get(ctx, ref)
				}
				return "picture", nil
			}}
			results := newWriter(users, images).write(t.Context(), []encrypted{pictured("bob", 1), e})
			if diff := cmp.Diff([]string{"next", c.want}, policies(results)); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			if len(users.inserts) != 1 || len(users.inserts[0]) != 1 {
				t.Errorf("inserted %v", users.inserts)
			}
			if strings.Contains(results[1].Err.Error(), secretPassword) {
				t.Errorf("the error echoes what it must not: %v", results[1].Err)
			}
			users.inserts = nil
			newWriter(users, images).write(t.Context(), []encrypted{e})
			if len(users.inserts) > 0 {
				t.Error("an empty batch was inserted")
			}
		})
	}
}

func TestWrite_AnImageThatDoesNotComeDoesNotKeepTheOthersWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users := &table{}
		images := &album{get: func(ctx context.Context, ref string) (string, error) {
			if ref == "saga-slow" {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "picture", nil
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*fetchTime)
		defer cancel()
		results := newWriter(users, images).write(ctx, []encrypted{pictured("slow", 1), taken("ada"), pictured("bob", 1)})
		if diff := cmp.Diff([]string{"hold", "next", "next"}, policies(results)); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
		if ctx.Err() != nil {
			t.Error("the batch's time is over")
		}
	})
}

func TestWrite_FetchesNoMoreImagesAtOnceThanFitIntoMemory(t *testing.T) {
	const size = 1 << 20
	for name, c := range map[string]struct {
		sizes    []int
		portions []int // users of each insert
	}{
		"large images come in portions":                 {slices.Repeat([]int{size}, 10), []int{4, 4, 2}},
		"small ones do not divide a batch":              {slices.Repeat([]int{20 << 10}, 64), []int{64}},
		"those without an image cost nothing":           {slices.Concat(make([]int, 20), []int{size, size, size, size}, make([]int, 20)), []int{44}},
		"an image that exceeds the bound comes alone":   {[]int{0, 2 * maxImages, 0, size}, []int{1, 1, 2}},
		"one that reaches the bound exactly fits":       {[]int{maxImages, 0, 1}, []int{2, 1}},
		"an empty batch is no work":                     {nil, nil},
		"one that exceeds it together goes to the next": {[]int{maxImages - 1, 2, maxImages - 1}, []int{1, 1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			users, images := &table{}, &album{}
			batch := make([]encrypted, len(c.sizes))
			for i, n := range c.sizes {
				if batch[i] = taken(strconv.Itoa(i)); n > 0 {
					batch[i] = pictured(strconv.Itoa(i), n)
				}
			}
			results := newWriter(users, images).write(t.Context(), batch)
			var portions []int
			for _, p := range users.inserts {
				portions = append(portions, len(p))
			}
			if diff := cmp.Diff(c.portions, portions); diff != "" {
				t.Errorf("portions (-want +got):\n%s", diff)
			}
			for i, r := range results {
				if r.Err != nil || r.Next.ID != strconv.Itoa(i) {
					t.Errorf("event %d: %+v", i, r)
				}
			}
			if images.most > max(maxImages, slices.Max(append(c.sizes, 0))) {
				t.Errorf("%d bytes were fetched at once", images.most)
			}
		})
	}
}

func TestWrite_FetchesTheImagesOfAPortionAtOnce(t *testing.T) {
	images := &album{enough: 3, all: make(chan struct{})}
	results := newWriter(&table{}, images).write(t.Context(), []encrypted{pictured("a", 1), pictured("b", 1), taken("c"), pictured("d", 1)})
	if diff := cmp.Diff([]string{"next", "next", "next", "next"}, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestUndo_RemovesTheSagasRow(t *testing.T) {
	users := &table{}
	w := newWriter(users, &album{})
	if err := w.undo(t.Context(), taken("ada")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]store.Key{{Saga: "saga-ada", User: event.UserHash("ada")}}, users.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	users.err = errOdd
	if err := w.undo(t.Context(), taken("ada")); !errors.Is(err, errOdd) {
		t.Errorf("the error is %v", err)
	}
}

func TestTidy_DeletesTheImageThatTheRowHoldsNow(t *testing.T) {
	images := &album{deleteErr: errOdd}
	var log bytes.Buffer
	w := writer{users: &table{}, images: images, log: zerolog.New(&log)}
	w.tidy(t.Context(), taken("none"))
	w.tidy(t.Context(), pictured("ada", 1))
	again := pictured("bob", 1)
	again.Saga = event.AttemptID(again.Saga, 1) // the image is still the first attempt's
	w.tidy(t.Context(), again)
	if diff := cmp.Diff([]string{"saga-ada", "saga-bob"}, images.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	for _, want := range []string{`"saga":"saga-bob-r1"`, `"event":"encrypted"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log of what cannot be deleted lacks %s:\n%s", want, log.String())
		}
	}
}

func TestCompensate_RemovesRowsAndImages(t *testing.T) {
	users, images := &table{}, &album{deleteErr: errOdd} // an image that stays is no error
	results := newWriter(users, images).compensate(t.Context(), []saga.Event[event.Ended]{
		failed("ada", event.CodeEncryptionFailed), failed("dead", event.CodeProcessingError),
		failed("bob", event.CodeDeadlineExceeded), failed("", event.CodeInvalidRequest),
	})
	if diff := cmp.Diff([]string{"next", "next", "next", "next"}, policies(results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	var want []store.Key
	for _, id := range []string{"ada", "dead", "bob", ""} {
		want = append(want, key(keyOf(id)))
	}
	if diff := cmp.Diff(want, users.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	// The image of a dead letter is kept for a new attempt.
	if diff := cmp.Diff([]string{"saga-ada", "saga-bob", "saga-"}, images.deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestCompensate_KeepsTheImageUntilTheRowIsRemoved(t *testing.T) {
	for err, want := range map[error]string{errAway: "hold", errOdd: "retry"} {
		images := &album{}
		results := newWriter(&table{err: err}, images).compensate(t.Context(), []saga.Event[event.Ended]{
			failed("ada", event.CodeEncryptionFailed), failed("bob", event.CodeEncryptionFailed),
		})
		if diff := cmp.Diff([]string{want, want}, policies(results)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if len(images.deleted) > 0 {
			t.Errorf("deleted %v", images.deleted)
		}
	}
}
