package store

import (
	"context"
	"fmt"
)

// inspect reads the server's limits and the shape of the tables. Users may be older
// than this service, so what the guarantees need of it is checked here, once.
func (s *sqlStore) inspect(ctx context.Context) error {
	var packet int
	if err := s.db.GetContext(ctx, &packet, `SELECT @@max_allowed_packet`); err != nil {
		return fmt.Errorf("read max_allowed_packet: %w", s.dialect.explain(err))
	}
	// Escaping may double a value, and the statement around it needs room.
	s.maxBytes = min(maxBatchBytes, (packet-64<<10)/2)

	var found []struct {
		Column string `db:"name"`
		Most   *int   `db:"most"` // characters
	}
	err := s.selectAll(ctx, s.db, &found, `SELECT column_name AS name, character_maximum_length AS most
		FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'Users'`, nil)
	if err != nil {
		return fmt.Errorf("read the columns of Users: %w", err)
	}
	s.widths = make(widths, len(found))
	for _, f := range found {
		if f.Most != nil {
			s.widths[f.Column] = *f.Most
		}
	}
	return s.demand(ctx)
}

// demand returns an error that says what to do unless both tables stand, and Users
// can take part in a transaction and holds each Id once.
func (s *sqlStore) demand(ctx context.Context) error {
	for _, d := range []struct{ query, remedy string }{
		{`SELECT COUNT(*) = 2 FROM information_schema.tables
			WHERE table_schema = DATABASE() AND table_name IN ('Users', 'create_user_inbox')`,
			"Users and create_user_inbox must stand there and be granted to this account: apply the migrations"},
		{`SELECT COUNT(*) FROM information_schema.tables
			WHERE table_schema = DATABASE() AND table_name = 'Users' AND engine = 'InnoDB'`,
			"Users must be a table of InnoDB: ALTER TABLE Users ENGINE = InnoDB"},
		{`SELECT COUNT(*) FROM (SELECT index_name FROM information_schema.statistics
				WHERE table_schema = DATABASE() AND table_name = 'Users' AND non_unique = 0
				GROUP BY index_name
				HAVING COUNT(*) = 1 AND MAX(column_name) = 'Id' AND MAX(sub_part) IS NULL) AS keys_on_id`,
			"Users must hold each Id once: make Id its primary key"},
	} {
		var met bool
		if err := s.db.GetContext(ctx, &met, d.query); err != nil {
			return fmt.Errorf("inspect the tables: %w", s.dialect.explain(err))
		}
		if !met {
			return fmt.Errorf("%s", d.remedy)
		}
	}
	return nil
}
