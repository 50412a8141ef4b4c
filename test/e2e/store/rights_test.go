package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/services/user-writer/store"
)

// adopted is a database with a table of Users that is older than this service, and
// our inbox beside it. An administrator has made both.
func adopted(t *testing.T) (store.MySQL, *sql.DB) {
	t.Helper()
	m := settings(t)
	admin := connect(t, m)
	do(t, admin, `CREATE TABLE Users (Id VARCHAR(100) PRIMARY KEY, Phone VARCHAR(100) NOT NULL, Password VARCHAR(100) NOT NULL,
		Name VARCHAR(100) NOT NULL, Image MEDIUMTEXT NOT NULL, Created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)
		DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
	do(t, admin, `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES ('old', 'p', 'w', 'n', 'i')`)
	if _, err := migrations.Up(t.Context(), admin, migrations.MySQL); err != nil {
		t.Fatal(err)
	}
	return m, admin
}

func do(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// account makes an account with these rights and nothing else, and returns how it
// reaches the database.
func account(t *testing.T, m store.MySQL, admin *sql.DB, rights map[string]string) store.MySQL {
	t.Helper()
	m.User, m.Password = "w_"+strings.ToLower(rand.Text()[:12]), "right"
	do(t, admin, `CREATE USER `+m.User+`@'%' IDENTIFIED BY 'right'`)
	t.Cleanup(func() {
		_, _ = admin.ExecContext(context.WithoutCancel(t.Context()), `DROP USER `+m.User+`@'%'`)
	})
	for table, right := range rights {
		do(t, admin, `GRANT `+right+` ON `+table+` TO `+m.User+`@'%'`)
	}
	return m
}

func definition(t *testing.T, db *sql.DB) (text string) {
	t.Helper()
	var name string
	if err := db.QueryRowContext(t.Context(), `SHOW CREATE TABLE Users`).Scan(&name, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

func TestStore_NeedsNoMoreThanSelectInsertAndDeleteOnUsers(t *testing.T) {
	m, admin := adopted(t)
	before := definition(t, admin)
	m = account(t, m, admin, map[string]string{"Users": "SELECT, INSERT, DELETE", "create_user_inbox": "SELECT, INSERT, UPDATE"})
	if err := store.CheckRights(t.Context(), connect(t, m)); err != nil {
		t.Errorf("CheckRights: %v", err)
	}
	s, err := store.OpenMySQL(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	user := func(id, saga string) store.User {
		return store.User{Key: store.Key{Saga: saga, User: "u"}, ID: id, Phone: "p", Password: "w", Name: "n", Image: "i"}
	}
	results, err := s.Insert(t.Context(), []store.User{user("new", "a"), user("old", "b"), user("gone", "c")})
	if err != nil {
		t.Fatal(err)
	}
	var got []store.Verdict
	for _, r := range results {
		got = append(got, r.Verdict)
	}
	if diff := cmp.Diff([]store.Verdict{store.Inserted, store.Exists, store.Inserted}, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	if err := s.Remove(t.Context(), []store.Key{{Saga: "c", User: "u"}, {Saga: "d", User: "u"}}); err != nil {
		t.Errorf("Remove: %v", err)
	}
	for id, want := range map[string]bool{"new": true, "old": true, "gone": false} {
		if _, found, err := s.Find(t.Context(), id); err != nil || found != want {
			t.Errorf("%s is there: %v, %v", id, found, err)
		}
	}
	if diff := cmp.Diff(before, definition(t, admin)); diff != "" {
		t.Errorf("the table was altered (-before +after):\n%s", diff)
	}
}

func TestCheckRights_NamesEachRightThatIsMissing(t *testing.T) {
	m, admin := adopted(t)
	m = account(t, m, admin, map[string]string{"Users": "SELECT, INSERT", "create_user_inbox": "SELECT, UPDATE"})
	err := store.CheckRights(t.Context(), connect(t, m))
	if err == nil {
		t.Fatal("nothing is missing")
	}
	for text, want := range map[string]bool{
		"cannot DELETE in Users": true, "cannot INSERT in create_user_inbox": true,
		"cannot SELECT": false, "cannot INSERT in Users": false, "cannot UPDATE": false,
	} {
		if strings.Contains(err.Error(), text) != want {
			t.Errorf("the error is %v; want %q: %v", err, text, want)
		}
	}
}
