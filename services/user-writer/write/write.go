// Package write is the fourth step of the saga, its pivot: it inserts the user.
// When a saga has failed, it removes the row that this saga had inserted.
package write

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/user-writer/store"
)

// users is where the rows are kept.
type users interface {
	Insert(ctx context.Context, users []store.User) ([]store.Result, error)
	Remove(ctx context.Context, sagas []store.Key) error
	Find(ctx context.Context, id string) (store.User, bool, error)
}

// history tells how the saga stands that a row is of. It fails with
// saga.ErrNoEvent when that has no event, or none that the replica asked knows.
type history interface {
	Position(ctx context.Context, k event.Key) (event.Type, uint64, error)
}

// imageStore fetches and deletes the images that were put aside.
type imageStore interface {
	Get(ctx context.Context, image event.Image) (string, error)
	Delete(ctx context.Context, ref string) error
}

type writer struct {
	users   users
	images  imageStore
	history history
	log     zerolog.Logger
}

// maxImages bounds, in bytes, the images that are fetched at once: a backlog of
// large ones must not exhaust the memory.
const maxImages = 4 << 20

// write inserts the users of a batch, in portions whose images fit together.
func (w writer) write(ctx context.Context, batch []saga.Event[event.Encrypted]) []saga.Result[event.Created] {
	results := make([]saga.Result[event.Created], len(batch))
	for from := 0; from < len(batch); {
		to := from + portion(batch[from:])
		w.insert(ctx, batch[from:to], results[from:to])
		from = to
	}
	return results
}

// portion returns how many of the first events of a batch are handled together:
// at least one.
func portion(batch []saga.Event[event.Encrypted]) int {
	size := 0
	for i, e := range batch {
		if e.Body.Image.Claim != nil {
			size += e.Body.Image.Claim.Size
		}
		if i > 0 && size > maxImages {
			return i
		}
	}
	return len(batch)
}

// insert inserts the users of a portion.
func (w writer) insert(ctx context.Context, batch []saga.Event[event.Encrypted], results []saga.Result[event.Created]) {
	pictures := w.fetch(ctx, batch, results)
	rows := make([]store.User, 0, len(batch))
	index := make([]int, 0, len(batch)) // of each row in batch
	for i, e := range batch {
		if results[i].Err == nil {
			rows, index = append(rows, row(e, pictures[i])), append(index, i)
		}
	}
	if len(rows) == 0 {
		return
	}
	written, err := w.users.Insert(ctx, rows)
	for n, i := range index {
		if err != nil {
			results[i].Err = classify(err)
			continue
		}
		results[i].Next = event.Created{ID: batch[i].Body.ID, Username: batch[i].Body.Username}
		if results[i].Err = judge(written[n]); written[n].Verdict == store.Exists {
			results[i].Err = w.exists(ctx, batch[i])
		}
	}
}

func row(e saga.Event[event.Encrypted], image string) store.User {
	return store.User{
		Key: key(e.Key), ID: e.Body.ID, Phone: e.Body.EncryptedPhone, Password: e.Body.EncryptedPassword,
		Name: e.Body.Username, Image: image,
	}
}

func key(k event.Key) store.Key { return store.Key{Saga: k.Saga, User: k.User} }

// errFreed and errUndecided have an event tried again.
var (
	errFreed     = errors.New("the Id was still taken by the row of a saga that has failed: it is free now")
	errUndecided = errors.New("the Id is taken by the row of a saga that may yet fail")
)

// lagTries is how often the history of a row's saga may be missing before it
// counts as expired: a replica may lag.
const lagTries = 3

// exists returns the rejection of a saga whose Id is taken, when its row is there
// to stay. One of a saga that has failed is yet to be removed, and is removed now:
// its user is none.
func (w writer) exists(ctx context.Context, e saga.Event[event.Encrypted]) error {
	row, found, err := w.users.Find(ctx, e.Body.ID)
	switch {
	case err != nil:
		return classify(err)
	case !found:
		return errFreed
	case row.Key == store.Key{}: // none of ours
		return judge(store.Result{Verdict: store.Exists})
	}
	last, _, err := w.history.Position(ctx, event.Key{User: row.Key.User, Saga: row.Saga})
	switch {
	case errors.Is(err, saga.ErrNoEvent) && e.Delivery >= lagTries:
		return judge(store.Result{Verdict: store.Exists})
	case errors.Is(err, saga.ErrNoEvent):
		return err
	case err != nil:
		return saga.Unavailable(fmt.Errorf("read how the saga stands whose row has the Id: %w", err))
	case last.BeforePivot():
		return errUndecided
	case last != event.TypeFailed:
		return judge(store.Result{Verdict: store.Exists})
	}
	if err := w.users.Remove(ctx, []store.Key{row.Key}); err != nil {
		return classify(err)
	}
	return errFreed
}

// judge returns the rejection that a verdict means; none for a row that stands.
func judge(r store.Result) error {
	switch r.Verdict {
	case store.Inserted:
		return nil
	case store.Exists:
		return saga.Reject(event.CodeUserExists, errors.New("a row with the Id stands already"))
	case store.Removed:
		// The saga has failed: the append of this rejection will be refused.
		return saga.Reject(event.CodeProcessingError, errors.New("the saga has failed before"))
	case store.Refused:
		return saga.Reject(event.CodeProcessingError, fmt.Errorf("the database cannot hold the user: %w", r.Err))
	}
	return fmt.Errorf("unknown verdict %s", r.Verdict)
}

// fetchTime is how long images may take to come: the rows of those that have
// come must still be written within the time of the batch.
const fetchTime = 2 * time.Second

// fetch gets the images of a portion, those that were put aside at once. What
// goes wrong stands in results.
func (w writer) fetch(ctx context.Context, batch []saga.Event[event.Encrypted], results []saga.Result[event.Created]) []string {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	pictures := make([]string, len(batch))
	var fetching sync.WaitGroup
	for i, e := range batch {
		if e.Body.Image.Claim == nil {
			pictures[i] = e.Body.Image.Inline
			continue
		}
		fetching.Go(func() { pictures[i], results[i].Err = w.get(ctx, e) })
	}
	fetching.Wait()
	return pictures
}

// get gets one image. A panic concerns its event alone: the runner cannot catch
// what happens in this goroutine.
func (w writer) get(ctx context.Context, e saga.Event[event.Encrypted]) (picture string, err error) {
	defer func() {
		if p := recover(); p != nil {
			picture, err = "", saga.Poison(fmt.Errorf("fetching the image panicked: %T", p))
		}
	}()
	if picture, err = w.images.Get(ctx, e.Body.Image); err != nil {
		return "", judgeImage(err, e.Delivery)
	}
	return picture, nil
}

// missingTries is how often an image may be missing before it counts as never
// put there: a replica of the bucket may lag.
const missingTries = 4

func judgeImage(err error, delivery int) error {
	switch {
	case errors.Is(err, event.ErrImage), errors.Is(err, images.ErrMissing) && delivery >= missingTries:
		return saga.Reject(event.CodeInvalidRequest, fmt.Errorf("Image: %w", err))
	case errors.Is(err, images.ErrMissing):
		return err
	}
	return saga.Unavailable(err)
}

// undo removes the row of a saga that failed while it was being written.
func (w writer) undo(ctx context.Context, e saga.Event[event.Encrypted]) error {
	return w.users.Remove(ctx, []store.Key{key(e.Key)})
}

// tidy deletes the image of a created user: the row holds it now.
func (w writer) tidy(ctx context.Context, e saga.Event[event.Encrypted]) {
	if claim := e.Body.Image.Claim; claim != nil { // that of an earlier attempt, perhaps
		w.deleteImage(ctx, claim.Ref, e.Saga, event.TypeEncrypted)
	}
}

// deleteImage deletes an image that is needed no more. One that stays is
// deleted by the bucket, after a day.
func (w writer) deleteImage(ctx context.Context, ref, sagaID string, t event.Type) {
	if err := w.images.Delete(ctx, ref); err != nil {
		w.log.Warn().Err(err).Str("saga", sagaID).Str("event", string(t)).Msg("cannot delete an image")
	}
}

// compensate removes the rows of failed sagas, and their images, unless a dead
// letter may yet need them for a new attempt.
func (w writer) compensate(ctx context.Context, batch []saga.Event[event.Ended]) []saga.Result[saga.Nothing] {
	results := make([]saga.Result[saga.Nothing], len(batch))
	keys := make([]store.Key, len(batch))
	for i, e := range batch {
		keys[i] = key(e.Key)
	}
	if err := w.users.Remove(ctx, keys); err != nil {
		for i := range results {
			results[i].Err = classify(err)
		}
		return results
	}
	for _, e := range batch {
		if e.Body.Code != event.CodeProcessingError {
			w.deleteImage(ctx, e.Saga, e.Saga, event.TypeFailed)
		}
	}
	return results
}

// classify tells a database that is away from any other error.
func classify(err error) error {
	if store.Unavailable(err) {
		return saga.Unavailable(err)
	}
	return err
}
