package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/bull-bridge/bull"
)

// Settings are the service's own settings.
type Settings struct {
	RedisURL    string        `env:"BULL_REDIS_URL" envDefault:"redis://127.0.0.1:6379/0" legacy:"redis://{BULL_USERS_HOST:127.0.0.1}:{BULL_USERS_PORT:6379}/0" help:"the Redis that holds the Bull queue; rediss:// for TLS"`
	Prefix      string        `env:"BULL_PREFIX" envDefault:"bull" help:"what the queue's keys begin with"`
	Queue       string        `env:"BULL_QUEUE" envDefault:"Create_User" help:"name of the queue"`
	Concurrency int           `env:"BULL_CONCURRENCY" envDefault:"64" help:"jobs in hand at once"`
	Lock        time.Duration `env:"BULL_LOCK_DURATION" envDefault:"30s" help:"how long a job counts as alive without a sign of its worker"`
	Check       time.Duration `env:"BULL_STALLED_INTERVAL" envDefault:"30s" help:"time between two looks for stalled jobs"`
	LimitJobs   int           `env:"BULL_LIMITER_MAX" help:"jobs that may begin in each BULL_LIMITER_DURATION, together with the queue's other workers; 0: any number"`
	LimitPer    time.Duration `env:"BULL_LIMITER_DURATION" envDefault:"1s" help:"period of BULL_LIMITER_MAX"`
	SealKey     string        `env:"SEAL_PUBLIC_KEY" help:"the encryptor's public key (createuser keygen); without it passwords stand in the inbox in clear"`
}

// Description describes the bull-bridge.
func Description() service.Description {
	return service.Description{
		Name:     "bull-bridge",
		About:    "hands the jobs of an existing Bull queue over as registration requests",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// Service returns the bull-bridge.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

// validate returns an error that names the first setting out of range.
func (s Settings) validate() error {
	const shortest = 500 * time.Millisecond // locks are renewed four times in that
	switch {
	case s.Concurrency < 1:
		return errors.New("BULL_CONCURRENCY: want at least 1")
	case s.Lock < shortest:
		return fmt.Errorf("BULL_LOCK_DURATION: want at least %s", shortest)
	case s.Check < shortest:
		return fmt.Errorf("BULL_STALLED_INTERVAL: want at least %s", shortest)
	case s.LimitJobs < 0:
		return errors.New("BULL_LIMITER_MAX: want at least 0")
	case s.LimitPer < time.Millisecond:
		return errors.New("BULL_LIMITER_DURATION: want at least 1ms")
	}
	return nil
}

// options returns how to reach Redis. Its error shows nothing of the URL.
func (s Settings) options() (*redis.Options, error) {
	options, err := redis.ParseURL(s.RedisURL)
	if err != nil {
		return nil, errors.New("BULL_REDIS_URL: want redis://[user:password@]host:port/database")
	}
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // a repeated script would take jobs twice: the worker tries again
	return options, nil
}

// base is what all keys of the queue begin with.
func (s Settings) base() string { return s.Prefix + ":" + s.Queue }

// stopGrace is how long jobs in hand may take at a stop; then they wait again.
const stopGrace = 2 * time.Second

func run(ctx context.Context, env *service.Env) (err error) {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	if err := settings.validate(); err != nil {
		return err
	}
	sdk, err := settings.client(env)
	if err != nil {
		return err
	}
	options, err := settings.options()
	if err != nil {
		return err
	}
	queue := redis.NewClient(options)
	defer func() { err = errors.Join(err, queue.Close()) }()
	env.Health.Add("bull", func(ctx context.Context) error { return queue.Ping(ctx).Err() })

	b := bridge{sdk: sdk, queue: settings.base(), log: env.Logger}
	bull.Work(ctx, bull.Options{
		Redis: queue, Prefix: settings.Prefix, Queue: settings.Queue,
		Concurrency: settings.Concurrency, Lock: settings.Lock, Check: settings.Check, Grace: stopGrace,
		Limit:   bull.Limit{Jobs: settings.LimitJobs, Per: settings.LimitPer},
		Observe: observe(env), Logger: env.Logger,
	}, b.forward)
	return nil
}

// observe returns what counts the jobs.
func observe(env *service.Env) func(bull.End) {
	jobs := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "create_user", Name: "bull_jobs_total", Help: "Jobs of the Bull queue that this process has had in hand, by what became of them.",
	}, []string{"end"})
	for _, end := range bull.Ends() { // a counter that begins at 1 shows no increase
		jobs.WithLabelValues(string(end))
	}
	env.Metrics.Register(jobs)
	return func(end bull.End) { jobs.WithLabelValues(string(end)).Inc() }
}

// source names the bridge in the events.
const source = "/bull-bridge"

// client returns what publishes the requests.
func (s Settings) client(env *service.Env) (*client.Client, error) {
	var options []client.Option
	if env.Tracing != nil {
		options = append(options, client.WithTracing(env.Tracing))
	}
	if s.SealKey == "" {
		env.Logger.Warn().Msg("SEAL_PUBLIC_KEY is not set: passwords stand in the inbox in clear until their sagas begin")
		return client.NewUnsealed(env.JS, source, options...), nil
	}
	key, err := event.ParsePublicKey(s.SealKey)
	if err != nil {
		return nil, fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	return client.New(env.JS, key, source, options...), nil
}
