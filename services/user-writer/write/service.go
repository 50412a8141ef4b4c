package write

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/user-writer/store"
)

// Description describes the user-writer.
func Description() service.Description {
	return service.Description{
		Name:     event.StepUserWriter,
		About:    "inserts each user into the database; removes the row of a saga that failed",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// Service returns the user-writer.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

func run(ctx context.Context, env *service.Env) (err error) {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	if err := settings.Validate(); err != nil {
		return err
	}
	users, err := open(ctx, settings, env)
	if err != nil || users == nil {
		return err
	}
	defer func() { err = errors.Join(err, users.Close()) }()
	env.Health.Add("database", users.Ping)

	w := writer{users: users, images: images.New(env.JS), history: saga.NewStore(env.JS), log: env.Logger}
	return service.All(ctx,
		func(ctx context.Context) error {
			return saga.Run(ctx, env.Saga, saga.Step[event.Encrypted, event.Created]{
				Name: event.StepUserWriter, Handle: w.write, Undo: w.undo, After: w.tidy,
			})
		},
		func(ctx context.Context) error {
			return saga.Run(ctx, env.Saga, saga.Step[event.Ended, saga.Nothing]{
				Name: event.StepRowRemover, Handle: w.compensate,
			})
		},
	)
}

// reopen is how long to wait before the database is tried again at the start.
const reopen = time.Second

// open opens the store, waiting for a database that is away. It returns nil
// when ctx ends first.
func open(ctx context.Context, settings Settings, env *service.Env) (store.Store, error) {
	env.Health.Add("database", func(context.Context) error { return errors.New("not opened yet") })
	for {
		users, err := settings.Open(ctx, env.Tracing)
		switch {
		case err == nil:
			return users, nil
		case ctx.Err() != nil:
			return nil, nil //nolint:nilerr // stopped before the database appeared
		case !store.Unavailable(err):
			return nil, fmt.Errorf("open the users' database: %w", err)
		}
		wait(ctx, err, env.Logger)
	}
}

func wait(ctx context.Context, err error, log zerolog.Logger) {
	log.Warn().Err(err).Msg("the database is away: waiting for it")
	select {
	case <-time.After(reopen):
	case <-ctx.Done():
	}
}
