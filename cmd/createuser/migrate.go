package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/user-writer/store"
	"github.com/create-user/create-user/services/user-writer/write"
)

type migrateCommand struct {
	Up     migrateUpCommand     `cmd:"" help:"Apply the pending migrations. Safe at any time and from several places at once."`
	Status migrateStatusCommand `cmd:"" help:"Show which migrations are applied."`
}

type migrateUpCommand struct{}

type migrateStatusCommand struct{}

// Run applies the pending migrations.
func (migrateUpCommand) Run(ctx context.Context, t *tool) error {
	return withDatabase(t, func(db *sql.DB, dialect migrations.Dialect) error {
		applied, err := migrations.Up(ctx, db, dialect)
		if err != nil {
			return err
		}
		for _, a := range applied {
			if err := t.printf("applied %s in %s\n", a.Name, a.Took.Round(time.Millisecond)); err != nil {
				return err
			}
		}
		return t.printf("%d applied, none pending\n", len(applied))
	})
}

// Run shows the migrations.
func (migrateStatusCommand) Run(ctx context.Context, t *tool) error {
	return withDatabase(t, func(db *sql.DB, dialect migrations.Dialect) error {
		states, err := migrations.Status(ctx, db, dialect)
		if err != nil {
			return err
		}
		for _, s := range states {
			at := "pending"
			if !s.Pending() {
				at = s.At.Format(time.RFC3339)
			}
			if err := t.printf("%-30s %s\n", s.Name, at); err != nil {
				return err
			}
		}
		return nil
	})
}

// databaseSettings returns where the users are kept.
func (t *tool) databaseSettings() (write.Settings, error) {
	settings, err := service.Load[write.Settings](t.vars)
	if err != nil {
		return settings, err
	}
	return settings, settings.Validate()
}

func withDatabase(t *tool, do func(*sql.DB, migrations.Dialect) error) error {
	settings, err := t.databaseSettings()
	if err != nil {
		return err
	}
	db, dialect, err := settings.Connect()
	if err != nil {
		return err
	}
	return errors.Join(do(db, dialect), db.Close())
}

type userCommand struct {
	ID string `arg:"" name:"id" help:"The user's Id."`
}

// Run shows a row. Phone and password stand there encrypted.
func (c userCommand) Run(ctx context.Context, t *tool) error {
	settings, err := t.databaseSettings()
	if err != nil {
		return err
	}
	users, err := settings.Open(ctx, nil)
	if err != nil {
		return err
	}
	u, found, err := users.Find(ctx, c.ID)
	if err := errors.Join(err, users.Close()); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("no user with the Id %q", c.ID)
	}
	return printUser(t, u)
}

func printUser(t *tool, u store.User) error {
	return t.printf("Id        %s\nName      %s\nPhone     %s\nPassword  %s\nImage     %s\nSaga      %s\n",
		u.ID, u.Name, u.Phone, u.Password, shorten(u.Image), u.Saga)
}

// shorten keeps an image from flooding the terminal.
func shorten(image string) string {
	const most = 60
	if len(image) <= most {
		return image
	}
	return fmt.Sprintf("%s… (%d bytes)", image[:most], len(image))
}
