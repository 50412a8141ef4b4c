package write

import (
	"context"
	"errors"
	"fmt"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/user-writer/store"
)

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return nil, err
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	return []service.Probe{{Name: "database", Check: settings.probe}}, nil
}

// probe sees whether the database answers, its tables will do, and the account has
// the rights that it needs, without changing anything.
func (s Settings) probe(ctx context.Context) (found string, err error) {
	users, err := s.Open(ctx, nil)
	switch {
	case err != nil && store.Unavailable(err):
		return "", fmt.Errorf("MYSQL_HOST, MYSQL_PORT: no database answers there: %w", err)
	case err != nil:
		return "", fmt.Errorf("MYSQL_USER, MYSQL_PASSWORD, MYSQL_DATABASE: %w", err)
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	if s.SQLite != "" {
		return "SQLite in " + s.SQLite, nil
	}
	db, _, err := s.Connect()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := store.CheckRights(ctx, db); err != nil {
		return "", fmt.Errorf("MYSQL_USER: %w", err)
	}
	return "tables Users and create_user_inbox, with the rights that are needed", nil
}
