package store

import (
	"path/filepath"
	"testing"
)

// The surrounding services change Users too. What they do must not make a removal hit
// a row that is not its saga's.
func TestRemove_AfterAnotherServiceChangedUsers(t *testing.T) {
	ann, next := testUser("a", "ann"), testUser("b", "ann")
	const foreign = `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES ('ann', '', '', 'foreign', '')`
	for _, test := range []struct {
		name   string
		change func(t *testing.T, s *sqlStore)
		want   string // the name in the row, or none
	}{
		{"a row that is gone is no error", func(t *testing.T, s *sqlStore) {
			change(t, s, `DELETE FROM Users`)
		}, ""},
		{"the row of a saga that took the Id since is left", func(t *testing.T, s *sqlStore) {
			change(t, s, `DELETE FROM Users`)
			insertCleanly(t, s, []User{next}, []Verdict{Inserted})
		}, next.Name},
		{"a row that another service inserted after the removal is left", func(t *testing.T, s *sqlStore) {
			if err := s.Remove(t.Context(), []Key{ann.Key}); err != nil {
				t.Fatal(err)
			}
			change(t, s, foreign)
		}, "foreign"},
		{"the saga's row is removed as changed as it may be", func(t *testing.T, s *sqlStore) {
			change(t, s, `UPDATE Users SET Name = 'changed'`)
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openFaulty(t, filepath.Join(t.TempDir(), "users.db"), &faults{})
			insertCleanly(t, s, []User{ann}, []Verdict{Inserted})
			test.change(t, s)
			if err := s.Remove(t.Context(), []Key{ann.Key}); err != nil {
				t.Fatal(err)
			}
			got, ok, err := s.Find(t.Context(), "ann")
			if err != nil || ok != (test.want != "") || got.Name != test.want {
				t.Errorf("the row is %v, %t, %v; want the name %q", got, ok, err, test.want)
			}
			insertCleanly(t, s, []User{ann}, []Verdict{Removed})
		})
	}
}

func TestInsert_BesideTheRowOfAnotherService(t *testing.T) {
	s := openFaulty(t, filepath.Join(t.TempDir(), "users.db"), &faults{})
	change(t, s, `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES ('ann', '', '', 'foreign', '')`)
	ann := testUser("a", "ann")
	insertCleanly(t, s, []User{ann, testUser("b", "bob")}, []Verdict{Exists, Inserted})
	got, ok, err := s.Find(t.Context(), "ann")
	if want := (User{ID: "ann", Name: "foreign"}); err != nil || !ok || got != want {
		t.Errorf("the row is %v, %t, %v; want %v", got, ok, err, want)
	}
}

// change does what another service might.
func change(t *testing.T, s *sqlStore, query string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}
