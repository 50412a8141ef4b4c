package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/jmoiron/sqlx"
)

// Remove implements [Store].
func (s *sqlStore) Remove(ctx context.Context, sagas []Key) error {
	sagas = slices.Clone(sagas)
	// What Insert refuses has nothing to remove.
	sagas = slices.DeleteFunc(sagas, func(k Key) bool { return k.check() != nil })
	slices.SortFunc(sagas, compareKeys)
	for keys := range slices.Chunk(slices.Compact(sagas), maxRows) {
		if err := s.transact(ctx, func(tx *sqlx.Tx) error { return s.remove(ctx, tx, keys) }); err != nil {
			return fmt.Errorf("remove %d sagas: %w", len(sagas), err)
		}
	}
	return nil
}

// remove leaves a tombstone for each of the sagas, and then deletes their rows.
func (s *sqlStore) remove(ctx context.Context, tx *sqlx.Tx, keys []Key) error {
	args, at := make([]any, 0, 3*len(keys)+1), now()
	for _, k := range keys {
		args = append(args, k.Saga, k.User, at)
	}
	// This waits for whoever is inserting one of these sagas, and keeps them out.
	err := s.exec(ctx, tx, `INSERT INTO create_user_inbox (saga, user_hash, state, changed) VALUES `+
		list(`(?, ?, 'removed', ?)`, len(keys))+s.dialect.onKnown, append(args, at))
	if err != nil {
		return fmt.Errorf("leave tombstones: %w", err)
	}

	where, args := s.whereKeys(keys)
	var ids []string
	err = s.selectAll(ctx, tx, &ids, `SELECT Id FROM create_user_inbox WHERE Id IS NOT NULL AND `+where, args)
	if err != nil {
		return fmt.Errorf("read the inbox: %w", err)
	}
	if len(ids) == 0 {
		return nil // nothing of theirs was inserted, or it was removed before
	}
	if err := s.deleteRows(ctx, tx, ids); err != nil {
		return err
	}
	if err := s.exec(ctx, tx, `UPDATE create_user_inbox SET Id = NULL WHERE `+where, args); err != nil {
		return fmt.Errorf("forget the Ids of removed sagas: %w", err)
	}
	return nil
}

// deleteRows deletes the rows with these Ids, which sagas inserted that are now
// removed. Such a row may be gone, and a row with the same Id may stand that another
// saga inserted since: that one is left.
func (s *sqlStore) deleteRows(ctx context.Context, tx *sqlx.Tx, ids []string) error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	// Locked first: whoever is inserting one of them commits before, and is seen below.
	standing, err := s.standing(ctx, tx, ids, s.dialect.lock)
	if err != nil {
		return err
	}
	var others []string
	err = s.selectAll(ctx, tx, &others, `SELECT Id FROM create_user_inbox WHERE state = 'inserted' AND Id IN (`+
		list("?", len(ids))+`)`, anys(ids))
	if err != nil {
		return fmt.Errorf("look for later sagas: %w", err)
	}
	kept := setOf(others)
	ids = slices.DeleteFunc(ids, func(id string) bool { return !standing[id] || kept[id] })
	if len(ids) == 0 {
		return nil
	}
	if err := s.exec(ctx, tx, `DELETE FROM Users WHERE Id IN (`+list("?", len(ids))+`)`, anys(ids)); err != nil {
		return fmt.Errorf("delete rows of Users: %w", err)
	}
	return nil
}
