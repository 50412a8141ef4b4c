package check

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/code-checker/codes"
)

// Settings are the service's own settings.
type Settings struct {
	RedisURL string `env:"REDIS_URL" envDefault:"redis://127.0.0.1:6379/0" legacy:"redis://127.0.0.1:{PORT_DB_CODE}/0" help:"the Redis that holds the codes; rediss:// for TLS"`
}

// Description describes the code-checker.
func Description() service.Description {
	return service.Description{
		Name:     event.StepCodeChecker,
		About:    "checks and claims the code of each registration; deletes or releases it when the saga ends",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// Service returns the code-checker.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

// Options returns how to reach Redis. Its error shows nothing of the URL.
func (s Settings) Options() (*redis.Options, error) {
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return nil, errors.New("REDIS_URL: want redis://[user:password@]host:port/database")
	}
	options.ContextTimeoutEnabled = true
	return options, nil
}

func run(ctx context.Context, env *service.Env) (err error) {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	options, err := settings.Options()
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	if env.Tracing != nil {
		client.AddHook(spans{env.Tracing.Tracer(tracerName)})
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	env.Health.Add("redis", func(ctx context.Context) error { return client.Ping(ctx).Err() })

	c := checker{codes: codes.New(client), history: saga.NewStore(env.JS), now: time.Now}
	return service.All(ctx,
		func(ctx context.Context) error {
			return saga.Run(ctx, env.Saga, saga.Step[event.TokenVerified, event.CodeChecked]{
				Name: event.StepCodeChecker, Handle: c.check, Undo: c.release,
			})
		},
		func(ctx context.Context) error {
			return saga.Run(ctx, env.Saga, saga.Step[event.Created, event.Ended]{
				Name: event.StepCodeDeleter, Handle: c.complete,
			})
		},
		func(ctx context.Context) error {
			return saga.Run(ctx, env.Saga, saga.Step[event.Ended, saga.Nothing]{
				Name: event.StepClaimReleaser, Handle: c.compensate,
			})
		},
	)
}
