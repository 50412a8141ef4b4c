package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
)

// entry is one saga of an Insert on its way to a verdict.
type entry struct {
	User
	Result
}

// errTaken says that an Id of a batch is taken, by a row of Users or by another entry
// of the batch.
var errTaken = errors.New("an Id is taken")

// Insert implements [Store].
func (s *sqlStore) Insert(ctx context.Context, users []User) ([]Result, error) {
	entries := make(map[Key]*entry, len(users))
	var open []*entry // those without a verdict, in the order of users
	for _, u := range users {
		if entries[u.Key] != nil {
			continue // delivered twice in one batch: it shares the verdict
		}
		e := &entry{User: u}
		entries[u.Key] = e
		if err := s.widths.check(u); err != nil {
			e.Result = Result{Refused, err}
			continue
		}
		open = append(open, e)
	}
	for _, batch := range batches(open, maxRows, s.maxBytes) {
		if err := s.settle(ctx, batch); err != nil {
			return nil, fmt.Errorf("insert %d users: %w", len(users), err)
		}
	}
	results := make([]Result, len(users))
	for i, u := range users {
		results[i] = entries[u.Key].Result
	}
	return results, nil
}

// settle gives every entry of the batch its verdict. It tries all of them at once. If
// the database has something against that, it gives a verdict to those about whom it
// already knows, and goes on with the others; when it knows of none, it goes on with
// each half by itself, the first half first, and so finds the culprits.
func (s *sqlStore) settle(ctx context.Context, batch []*entry) error {
	err := s.transact(ctx, func(tx *sqlx.Tx) error { return s.write(ctx, tx, batch) })
	known := errors.Is(err, errTaken) || kindOf(err) == duplicate
	switch {
	case err == nil:
		for _, e := range batch {
			e.Verdict = Inserted
		}
		return nil
	case known:
		var rest []*entry
		err := repeat(ctx, func() (err error) {
			rest, err = s.sift(ctx, batch)
			return err
		})
		if err != nil || len(rest) == 0 {
			return err
		}
		if len(rest) < len(batch) {
			return s.settle(ctx, rest)
		}
	case kindOf(err) != refused:
		return err
	}
	if len(batch) > 1 {
		half := len(batch) / 2
		if err := s.settle(ctx, batch[:half]); err != nil {
			return err
		}
		return s.settle(ctx, batch[half:])
	}
	return convict(batch[0], err)
}

// convict gives the single entry of a failed batch the verdict that err means.
func convict(e *entry, err error) error {
	switch {
	case errors.Is(err, errTaken):
		e.Verdict = Exists
	case kindOf(err) == refused:
		e.Result = Result{Refused, err}
	default: // a duplicate in the inbox that the inbox does not know of: it was emptied meanwhile
		return err
	}
	return nil
}

// write inserts the batch into both tables, all or nothing.
func (s *sqlStore) write(ctx context.Context, tx *sqlx.Tx, batch []*entry) error {
	batch = slices.Clone(batch)
	slices.SortFunc(batch, func(a, b *entry) int { return compareKeys(a.Key, b.Key) })
	args, at := make([]any, 0, 4*len(batch)), now()
	for _, e := range batch {
		args = append(args, e.Saga, e.Key.User, e.ID, at)
	}
	err := s.exec(ctx, tx, `INSERT INTO create_user_inbox (saga, user_hash, Id, state, changed) VALUES `+
		list(`(?, ?, ?, 'inserted', ?)`, len(batch)), args)
	if err != nil {
		return fmt.Errorf("insert into the inbox: %w", err)
	}

	slices.SortFunc(batch, func(a, b *entry) int { return cmp.Compare(a.ID, b.ID) })
	args = make([]any, 0, 5*len(batch))
	for _, e := range batch {
		args = append(args, e.ID, e.Phone, e.Password, e.Name, e.Image)
	}
	err = s.exec(ctx, tx, `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES `+
		list(`(?, ?, ?, ?, ?)`, len(batch)), args)
	switch {
	case kindOf(err) == duplicate:
		return errTaken
	case err != nil:
		return fmt.Errorf("insert into Users: %w", err)
	}
	return nil
}

// sift gives a verdict to the entries about whom the database already knows, and
// returns the others.
func (s *sqlStore) sift(ctx context.Context, batch []*entry) ([]*entry, error) {
	ids, keys := make([]string, len(batch)), make([]Key, len(batch))
	for i, e := range batch {
		ids[i], keys[i] = e.ID, e.Key
	}
	// First which rows stand, then whose they are. The other way round, a replica that
	// inserts one of these sagas in between would make its row look like another's.
	standing, err := s.standing(ctx, s.db, ids, "")
	if err != nil && kindOf(err) != refused { // refused: the column could not hold one of the Ids; ask nothing of it
		return nil, err
	}
	verdicts, err := s.verdicts(ctx, keys)
	if err != nil {
		return nil, err
	}
	var rest []*entry
	for _, e := range batch {
		switch v, delivered := verdicts[e.Key]; {
		case delivered:
			e.Verdict = v
		case standing[e.ID]:
			e.Verdict = Exists
		default:
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// verdicts returns what the inbox says of these sagas.
func (s *sqlStore) verdicts(ctx context.Context, keys []Key) (map[Key]Verdict, error) {
	var found []struct {
		Saga  string `db:"saga"`
		User  string `db:"user_hash"`
		State string `db:"state"`
	}
	where, args := s.whereKeys(keys)
	err := s.selectAll(ctx, s.db, &found, `SELECT saga, user_hash, state FROM create_user_inbox WHERE `+where, args)
	if err != nil {
		return nil, fmt.Errorf("read the inbox: %w", err)
	}
	verdicts := make(map[Key]Verdict, len(found))
	for _, f := range found {
		v := Inserted
		if f.State == "removed" {
			v = Removed
		}
		verdicts[Key{f.Saga, f.User}] = v
	}
	return verdicts, nil
}

func compareKeys(a, b Key) int {
	return cmp.Or(cmp.Compare(a.Saga, b.Saga), cmp.Compare(a.User, b.User))
}
