package model_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/services/code-checker/codes"
	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/test/model"
)

// realSeeds is how many interleavings run on the real parts.
const realSeeds = 150

// TestParts_AnswerAsTheirModelsDo runs interleavings on the real codes in a Redis
// and the real store in a database beside their models, and compares every answer.
func TestParts_AnswerAsTheirModelsDo(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { must(t, client.Close()) })
	users, err := store.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "users.db"))
	must(t, err)
	t.Cleanup(func() { must(t, users.Close()) })
	c := &bothCodes{t: t, real: codes.New(client), redis: client, server: server}
	u := &bothUsers{t: t, real: users}
	for seed := range uint64(realSeeds) {
		server.FlushAll()
		c.model, u.model, u.run = model.NewCodes(), model.NewUsers(), fmt.Sprintf("r%d-", seed)
		w := model.New(model.Options{Chooser: bySeed(seed), Codes: c, Users: u}).Run()
		if v := w.Violations(); len(v) > 0 {
			t.Fatalf("seed %d:\n%s\n%s", seed, list(v), w.Story())
		}
	}
	t.Logf("%d answers of the codes and %d of the store were alike", c.n, u.n)
}

// bothCodes asks the real codes and their model, and compares what they say.
type bothCodes struct {
	t      *testing.T
	model  model.Codes
	real   *codes.Codes
	redis  *redis.Client
	server *miniredis.Miniredis
	n      int
}

func (b *bothCodes) same(what string, id string, want, got any) {
	b.t.Helper()
	b.n++
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Fatalf("%s (-model +real):\n%s", what, diff)
	}
	code, claim := b.model.Stands(id)
	realCode, realClaim := b.stands(id)
	if code != realCode || claim != realClaim {
		b.t.Fatalf("after %s the model has %q, held by %q; really there is %q, held by %q", what, code, claim, realCode, realClaim)
	}
}

func (b *bothCodes) Claim(ctx context.Context, attempts []codes.Attempt) ([]codes.Verdict, []error) {
	want, _ := b.model.Claim(ctx, attempts)
	got, errs := b.real.Claim(ctx, attempts)
	b.same("a claim", attempts[0].ID, want, got)
	return got, errs
}

func (b *bothCodes) Delete(ctx context.Context, holders []codes.Holder) []error {
	errs := b.real.Delete(ctx, holders)
	b.same("a deletion", holders[0].ID, b.model.Delete(ctx, holders), errs)
	return errs
}

func (b *bothCodes) Release(ctx context.Context, holders []codes.Holder) []error {
	errs := b.real.Release(ctx, holders)
	b.same("a release", holders[0].ID, b.model.Release(ctx, holders), errs)
	return errs
}

func (b *bothCodes) Store(ctx context.Context, id, code string, ttl time.Duration) error {
	must(b.t, b.model.Store(ctx, id, code, ttl))
	return b.real.Store(ctx, id, code, ttl)
}

func (b *bothCodes) Pass(d time.Duration) {
	b.model.Pass(d)
	b.server.FastForward(d)
}

func (b *bothCodes) Stands(id string) (code, claim string) { return b.stands(id) }

func (b *bothCodes) stands(id string) (code, claim string) {
	code, _ = b.server.Get(id) // an error says that there is none
	claim, _ = b.server.Get("create-user:claim:{" + id + "}")
	return code, claim
}

// bothUsers asks the real store and its model, and compares what they say.
type bothUsers struct {
	t     *testing.T
	model model.Users
	real  store.Store
	run   string // before the sagas and Ids of this run: the store has those of all
	n     int
}

func (b *bothUsers) key(k store.Key) store.Key { return store.Key{Saga: b.run + k.Saga, User: k.User} }

func (b *bothUsers) same(what, id string, want, got any) {
	b.t.Helper()
	b.n++
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Fatalf("%s of %s (-model +real):\n%s", what, id, diff)
	}
}

func (b *bothUsers) Insert(ctx context.Context, users []store.User) ([]store.Result, error) {
	want, _ := b.model.Insert(ctx, users)
	u := users[0] // the model inserts them one by one
	u.Key, u.ID = b.key(u.Key), b.run+u.ID
	got, err := b.real.Insert(ctx, []store.User{u})
	b.same("an insert", u.ID, want, got)
	return got, err
}

func (b *bothUsers) Remove(ctx context.Context, sagas []store.Key) error {
	must(b.t, b.model.Remove(ctx, sagas))
	return b.real.Remove(ctx, []store.Key{b.key(sagas[0])})
}

func (b *bothUsers) Find(ctx context.Context, id string) (store.User, bool, error) {
	want, stands, _ := b.model.Find(ctx, id)
	got, ok, err := b.real.Find(ctx, b.run+id)
	got.Saga, got.ID = strings.TrimPrefix(got.Saga, b.run), strings.TrimPrefix(got.ID, b.run)
	b.same("the row", id, want, got)
	b.same("whether there is a row", id, stands, ok)
	return got, ok, err
}
