package storetest

import (
	"context"
	"errors"

	"github.com/create-user/create-user/services/user-writer/store"
)

func insertScenes() []scene {
	return []scene{
		{"of a new user is found as given", newUser},
		{"of a saga again is told that it inserted", sagaAgain},
		{"of a saga again with other values changes nothing", sagaAgainOtherwise},
		{"of an Id that another saga registered is told that it exists", idExists},
		{"of one saga id under two user hashes is two sagas", twoHashes},
		{"is seen by another replica", seenByReplica},
		{"under a context that has ended is an error and leaves nothing", endedContext},
		{"is possible while the store answers, until it is closed", closed},
	}
}

func newUser(f *fixture) {
	u := f.user("a", "ann")
	f.wantNoRow(u.ID)
	f.wantVerdict(store.Inserted, u)
	f.wantRow(u)
}

func sagaAgain(f *fixture) {
	u := f.user("a", "ann")
	f.wantVerdict(store.Inserted, u)
	f.wantVerdict(store.Inserted, u)
	f.wantRow(u)
}

func sagaAgainOtherwise(f *fixture) {
	u := f.user("a", "ann")
	f.wantVerdict(store.Inserted, u)
	again := u
	again.Password = "another ciphertext of the same"
	f.wantVerdict(store.Inserted, again)
	f.wantRow(u)
}

func idExists(f *fixture) {
	u := f.user("a", "ann")
	f.wantVerdict(store.Inserted, u)
	f.wantVerdict(store.Exists, f.user("b", "ann"))
	f.wantVerdict(store.Exists, f.user("b", "ann"))
	f.wantVerdict(store.Inserted, u)
	f.wantRow(u)
}

func twoHashes(f *fixture) {
	u, v := f.user("a", "ann"), f.user("a", "bob")
	v.Key.User = "another-user"
	f.wantVerdict(store.Inserted, u)
	f.wantVerdict(store.Inserted, v)
	f.wantRow(u)
	f.wantRow(v)
}

func seenByReplica(f *fixture) {
	u := f.user("a", "ann")
	f.wantVerdict(store.Inserted, u)
	other := f.replica()
	other.wantVerdict(store.Inserted, u)
	other.wantVerdict(store.Exists, f.user("b", "ann"))
	other.wantRow(u)
}

func endedContext(f *fixture) {
	ctx, cancel := context.WithCancel(f.t.Context())
	cancel()
	u := f.user("a", "ann")
	if results, err := f.Insert(ctx, []store.User{u}); !errors.Is(err, context.Canceled) {
		f.t.Errorf("results %v and error %v, want the context's", results, err)
	}
	f.wantNoRow(u.ID)
}

func closed(f *fixture) {
	s := f.open(f.t)
	if err := s.Ping(f.t.Context()); err != nil {
		f.t.Errorf("ping: %v", err)
	}
	if err := s.Close(); err != nil {
		f.t.Errorf("close: %v", err)
	}
	if err := s.Ping(f.t.Context()); err == nil {
		f.t.Error("a closed store answers")
	}
}
