package migrationstest

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/migrations"
)

func (s suite) adopted(t *testing.T) {
	for name, definition := range s.tables() {
		t.Run(name, func(t *testing.T) {
			db := s.fresh(t)(t)
			exec(t, db, definition)
			exec(t, db, `INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES ('old', 'p', 'w', 'n', 'i')`)
			before := s.look(t, db)
			s.up(t, db)
			if diff := cmp.Diff(before, s.look(t, db)); diff != "" {
				t.Errorf("Up changed it (-before +after):\n%s", diff)
			}
		})
	}
}

// tables returns definitions of Users as a database may hold them, by what is
// peculiar about each.
func (s suite) tables() map[string]string {
	if s.dialect == migrations.SQLite {
		return map[string]string{
			"folding case and further columns": `CREATE TABLE Users (Id VARCHAR(50) COLLATE NOCASE PRIMARY KEY,
				Phone TEXT, Password TEXT, Name TEXT, Image TEXT, Email TEXT, Created TEXT DEFAULT 'x')`,
		}
	}
	const columns = `Phone VARCHAR(100) NOT NULL, Password VARCHAR(100) NOT NULL, Name VARCHAR(100) NOT NULL,
		Image MEDIUMTEXT NOT NULL`
	return map[string]string{
		"folding case": `CREATE TABLE Users (Id VARCHAR(100) PRIMARY KEY, ` + columns + `)
			DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`,
		"of another character set": `CREATE TABLE Users (Id VARCHAR(100) PRIMARY KEY, ` + columns + `)
			DEFAULT CHARACTER SET latin1`,
		"of other widths, with further columns": `CREATE TABLE Users (Id VARCHAR(50) PRIMARY KEY, Email VARCHAR(255) NULL,
			Created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, ` + columns + `, Note TEXT NULL, KEY (Name))`,
		"of another engine": `CREATE TABLE Users (Id VARCHAR(100) PRIMARY KEY, ` + columns + `) ENGINE = MyISAM`,
	}
}

// table is what Up must leave as it is.
type table struct {
	Definition string
	Rows       [][5]string
}

func (s suite) look(t testing.TB, db *sql.DB) table {
	t.Helper()
	var (
		seen table
		name string
		err  error
	)
	if s.dialect == migrations.SQLite {
		err = db.QueryRowContext(t.Context(), `SELECT sql FROM sqlite_master WHERE name = 'Users'`).Scan(&seen.Definition)
	} else {
		err = db.QueryRowContext(t.Context(), `SHOW CREATE TABLE Users`).Scan(&name, &seen.Definition)
	}
	if err != nil {
		t.Fatalf("read the definition of Users: %v", err)
	}
	rows, err := db.QueryContext(t.Context(), `SELECT Id, Phone, Password, Name, Image FROM Users ORDER BY Id`)
	if err != nil {
		t.Fatalf("read Users: %v", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r [5]string
		if err := rows.Scan(&r[0], &r[1], &r[2], &r[3], &r[4]); err != nil {
			t.Fatalf("read a row of Users: %v", err)
		}
		seen.Rows = append(seen.Rows, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read Users: %v", err)
	}
	return seen
}
