package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// CheckRights returns an error that names each right which the account of db lacks.
// It changes nothing: the server looks at rights before it looks for rows.
func CheckRights(ctx context.Context, db *sql.DB) error {
	var missing []error
	for _, r := range []struct{ right, table, query string }{
		{"SELECT", "Users", `SELECT Id FROM Users LIMIT 0`},
		{"INSERT", "Users", `INSERT INTO Users (Id, Phone, Password, Name, Image) SELECT '', '', '', '', '' FROM DUAL WHERE 1 = 0`},
		{"DELETE", "Users", `DELETE FROM Users WHERE 1 = 0`},
		{"SELECT", "create_user_inbox", `SELECT saga FROM create_user_inbox LIMIT 0`},
		{"INSERT", "create_user_inbox", `INSERT INTO create_user_inbox (saga, user_hash, Id, state, changed) SELECT '', '', NULL, '', NOW() FROM DUAL WHERE 1 = 0`},
		{"UPDATE", "create_user_inbox", `UPDATE create_user_inbox SET state = state WHERE 1 = 0`},
	} {
		if _, err := db.ExecContext(ctx, r.query); err != nil {
			missing = append(missing, fmt.Errorf("the account cannot %s in %s (GRANT %s ON %s TO it): %w", r.right, r.table, r.right, r.table, explainMySQL(err)))
		}
	}
	return errors.Join(missing...)
}
