package write

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/user-writer/store"
)

const secretPassword = "encrypted-horse-battery"

var (
	errAway = io.ErrUnexpectedEOF // as the store package knows a database that is away
	errOdd  = errors.New("odd")
)

// table is a fake of users. It notes what it is asked.
type table struct {
	verdicts           map[string]store.Verdict // by Id; Inserted when there is none
	err                error
	row                *store.User // that Find finds
	findErr, removeErr error
	inserts            [][]store.User
	removed            []store.Key
}

func (t *table) Insert(_ context.Context, users []store.User) ([]store.Result, error) {
	t.inserts = append(t.inserts, users)
	if t.err != nil {
		return nil, t.err
	}
	results := make([]store.Result, len(users))
	for i, u := range users {
		results[i].Verdict = store.Inserted
		if v, ok := t.verdicts[u.ID]; ok {
			results[i] = store.Result{Verdict: v, Err: errors.New("Name is too long for its column")}
		}
	}
	return results, nil
}

func (t *table) Find(context.Context, string) (store.User, bool, error) {
	if t.row == nil {
		return store.User{}, false, t.findErr
	}
	return *t.row, true, t.findErr
}

func (t *table) Remove(_ context.Context, sagas []store.Key) error {
	t.removed = append(t.removed, sagas...)
	if t.removeErr != nil {
		return t.removeErr
	}
	return t.err
}

// past is a fake of the history: the last event of any saga.
type past struct {
	last event.Type
	err  error
	key  event.Key // that was asked for
}

func (p *past) Position(_ context.Context, k event.Key) (event.Type, uint64, error) {
	p.key = k
	return p.last, 1, p.err
}

// album is a fake of the image store.
type album struct {
	get       func(ctx context.Context, ref string) (string, error)
	deleteErr error

	mu              sync.Mutex
	deleted         []string // guarded by mu
	fetching, most  int      // bytes that are being fetched now, and at most; guarded by mu
	arrived, enough int      // fetches under way, and for how many each waits; guarded by mu
	all             chan struct{}
}

func (a *album) Get(ctx context.Context, image event.Image) (string, error) {
	a.mu.Lock()
	a.fetching += image.Claim.Size
	a.most = max(a.most, a.fetching)
	if a.arrived++; a.arrived == a.enough {
		close(a.all)
	}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.fetching -= image.Claim.Size
	}()
	if a.enough > 0 {
		<-a.all
	}
	if a.get == nil {
		return "picture of " + image.Claim.Ref, nil
	}
	return a.get(ctx, image.Claim.Ref)
}

func (a *album) Delete(_ context.Context, ref string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deleted = append(a.deleted, ref)
	return a.deleteErr
}

type encrypted = saga.Event[event.Encrypted]

func keyOf(id string) event.Key { return event.Key{User: event.UserHash(id), Saga: "saga-" + id} }

// taken is the first delivery of an event of user id, without an image.
func taken(id string) encrypted {
	return encrypted{Key: keyOf(id), Delivery: 1, Body: event.Encrypted{
		ID: id, EncryptedPhone: "p", EncryptedPassword: secretPassword, Username: "Ada L.",
	}}
}

// pictured is taken with an image of so many bytes that was put aside.
func pictured(id string, size int) encrypted {
	e := taken(id)
	e.Body.Image.Claim = &event.ImageClaim{Ref: e.Saga, Size: size}
	return e
}

func failed(id string, code event.Code) saga.Event[event.Ended] {
	return saga.Event[event.Ended]{Key: keyOf(id), Delivery: 1, Body: event.NewEnded(id, event.StepEncryptor, code)}
}

func policies[B event.Body](results []saga.Result[B]) []string {
	list := make([]string, len(results))
	for i, r := range results {
		list[i] = servicetest.Policy(r.Err)
	}
	return list
}

func newWriter(users *table, images *album) writer {
	return writer{users: users, images: images, history: &past{}, log: zerolog.Nop()}
}
