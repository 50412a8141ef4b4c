package model

import (
	"context"

	"github.com/create-user/create-user/services/user-writer/store"
)

// Users is what the user-writer needs of the database, and what a test needs
// beside it.
type Users interface {
	Insert(ctx context.Context, users []store.User) ([]store.Result, error)
	Remove(ctx context.Context, sagas []store.Key) error
	Find(ctx context.Context, id string) (store.User, bool, error)
}

// userTable is the model of package store. That it answers alike is tested, over
// the very interleavings that the simulation makes.
type userTable struct {
	mutant  Mutant
	rows    map[string]store.User // by Id
	inbox   map[store.Key]string  // the Id that a saga inserted; empty: its tombstone
	inserts map[store.Key]int     // how often each saga has written a row
}

// NewUsers returns the model of the store.
func NewUsers() Users { return newUserTable(Sound) }

func newUserTable(m Mutant) *userTable {
	return &userTable{mutant: m, rows: map[string]store.User{}, inbox: map[store.Key]string{}, inserts: map[store.Key]int{}}
}

func (u *userTable) Insert(_ context.Context, users []store.User) ([]store.Result, error) {
	results := make([]store.Result, len(users))
	for i, user := range users {
		results[i].Verdict = u.insert(user)
	}
	return results, nil
}

func (u *userTable) insert(user store.User) store.Verdict {
	id, known := u.inbox[user.Key]
	_, stands := u.rows[user.ID]
	switch {
	case known && id == "":
		return store.Removed
	case known && u.mutant != InsertRepeats:
		return store.Inserted
	case stands:
		return store.Exists
	}
	u.rows[user.ID], u.inbox[user.Key] = user, user.ID
	u.inserts[user.Key]++
	return store.Inserted
}

func (u *userTable) Remove(_ context.Context, sagas []store.Key) error {
	for _, k := range sagas {
		if id := u.inbox[k]; id != "" && u.rows[id].Key == k {
			delete(u.rows, id)
		}
		u.inbox[k] = ""
		if u.mutant == NoTombstone {
			delete(u.inbox, k)
		}
	}
	return nil
}

func (u *userTable) Find(_ context.Context, id string) (store.User, bool, error) {
	row, ok := u.rows[id]
	return row, ok, nil
}

// seize removes the row of an Id, whosever it is.
func (u *userTable) seize(id string) { delete(u.rows, id) }
