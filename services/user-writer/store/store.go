package store

import "context"

// Key identifies a saga: by its id and by its user's hash, since the same id under
// two users is two sagas. Both stand in a subject, so both are 1 to 72 visible ASCII
// characters.
type Key struct {
	Saga string
	User string
}

// User is a row of Users and the saga that it is for.
type User struct {
	Key      // of the saga that inserted the row; empty when none of ours did
	ID       string
	Phone    string // as the encryption service returned it
	Password string // as the encryption service returned it
	Name     string
	Image    string
}

// Verdict says what became of a saga's insert.
type Verdict int

// The verdicts. Each is true when Insert returns; only a Remove, or another service
// that changes Users, can change what it says.
const (
	// Inserted: the saga's row stands, by this call or by an earlier one. Its content
	// is that of the first.
	Inserted Verdict = iota + 1
	// Exists: a row with that Id stands that this saga did not insert. Which Ids are
	// the same is for the table's collation to say.
	Exists
	// Removed: the saga was removed, and may not be inserted any more.
	Removed
	// Refused: the database cannot hold the values as they are. Result.Err says why.
	Refused
)

// String returns the verdict in one word, for logs.
func (v Verdict) String() string {
	switch v {
	case Inserted:
		return "inserted"
	case Exists:
		return "exists"
	case Removed:
		return "removed"
	case Refused:
		return "refused"
	}
	return "none"
}

// Result is the answer for one saga.
type Result struct {
	Verdict Verdict
	Err     error // why, when Refused; else nil. It repeats no value.
}

// Store keeps the users. Its methods may be called by any number of goroutines and
// replicas at once. No error repeats a value that was stored or was to be.
type Store interface {
	// Insert inserts the users and returns a result for each, in their order. Of two
	// sagas in users that want the same Id, the first wins. An error says that the
	// database could not be asked, or not for all of them: no result is known, and
	// the same call is to be made again later.
	Insert(ctx context.Context, users []User) ([]Result, error)

	// Remove undoes the inserts of these sagas and forbids them from then on: it
	// deletes the row that each of them inserted, and no other's. It may be repeated,
	// and may come before the insert or without one. After an error, repeat it.
	Remove(ctx context.Context, sagas []Key) error

	// Find returns the user whose row has this Id, as the table compares Ids, and
	// whether there is one.
	Find(ctx context.Context, id string) (User, bool, error)

	// Ping returns an error unless the database answers.
	Ping(ctx context.Context) error

	// Close closes the connections. The store is of no use after it.
	Close() error
}
