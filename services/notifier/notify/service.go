package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// Settings are the service's own settings. Those of tokens, and the port, count
// in serve mode alone.
type Settings struct {
	token.Settings
	RelaySettings
	Port    uint16   `env:"NOTIFIER_PORT" envDefault:"4003" help:"port of Socket.IO"`
	Auth    string   `env:"NOTIFIER_AUTH" envDefault:"on" help:"on: a room is joined with a token for its Id; off: by anyone who knows the Id"`
	Origins []string `env:"NOTIFIER_ORIGINS" help:"web origins that may connect, separated by commas; * for any; default the same origin"`
}

// Description describes the notifier.
func Description() service.Description {
	return service.Description{
		Name:     event.StepNotifier,
		About:    "tells each user the outcome of their registration over Socket.IO",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// heapGrowth is in per cent: a notifier keeps what its clients take. With 2,500 of them
// and the 25 of the other services it took 6 MiB more (docs/profile.md).
const heapGrowth = 15

// Service returns the notifier.
func Service() service.Service {
	return service.Service{Description: Description(), Run: run, HeapGrowth: heapGrowth}
}

// closeGrace is how long clients may take to receive what was emitted before a stop.
const closeGrace = 3 * time.Second

func run(ctx context.Context, env *service.Env) error {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	relays, err := settings.Relays()
	if err != nil {
		return err
	}
	if relays {
		return runRelay(ctx, env, settings.RelaySettings)
	}
	return runServer(ctx, env, settings)
}

// runServer lets clients in, follows the event store and tells them.
func runServer(ctx context.Context, env *service.Env, settings Settings) error {
	authorize, closeTokens, err := settings.authorize(ctx, env)
	if err != nil {
		return err
	}
	defer closeTokens()
	store := saga.NewStore(env.JS)
	n := notifier{history: store, tracer: env.Saga.Tracer, log: env.Logger}
	server, err := rooms.New(rooms.Options{
		Authorize: authorize, Last: n.last, Logger: env.Logger, Origins: settings.Origins,
	})
	if err != nil {
		return fmt.Errorf("NOTIFIER_ORIGINS: %w", err)
	}
	n.rooms = server
	env.Metrics.Gauge("socketio_clients", "Socket.IO clients that are connected.", func() float64 { return float64(server.Clients()) })

	following := make(chan struct{})
	env.Health.Add("event store", func(context.Context) error {
		select {
		case <-following:
			return nil
		default:
			return errors.New("not followed yet")
		}
	})
	return service.All(ctx,
		func(ctx context.Context) error {
			return store.Follow(ctx, n.follower(func() { close(following) }))
		},
		func(ctx context.Context) error {
			defer closeRooms(ctx, server, env.Logger)
			select {
			case <-following:
				return serve(ctx, env, settings.Port, server)
			case <-ctx.Done():
				return nil
			}
		},
	)
}

// serve lets clients in until ctx ends. It stays reachable until each has what
// was emitted before: one that polls comes for it.
func serve(ctx context.Context, env *service.Env, port uint16, server *rooms.Server) error {
	reachable, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	stop := context.AfterFunc(ctx, func() {
		defer end()
		closeRooms(ctx, server, env.Logger)
	})
	defer stop()
	return service.Serve(reachable, env.Address(port), "NOTIFIER_PORT", server.Handler(), time.Second, env.Logger)
}

// closeRooms sends what was emitted and disconnects every client. A second call
// waits for the first.
func closeRooms(ctx context.Context, server *rooms.Server, log zerolog.Logger) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		log.Warn().Err(err).Msg("cannot close every client in time")
	}
}

// authorize returns how a room is guarded.
func (s Settings) authorize(ctx context.Context, env *service.Env) (func(context.Context, string, string) error, func(), error) {
	switch s.Auth {
	case "off":
		env.Logger.Warn().Msg("NOTIFIER_AUTH=off: anyone who knows an Id can hear its outcome")
		return nil, func() {}, nil
	case "on":
	default:
		return nil, nil, fmt.Errorf("NOTIFIER_AUTH: want on or off, have %q", s.Auth)
	}
	verifier, err := s.Verifier(ctx, env.Logger)
	if err != nil {
		return nil, nil, err
	}
	verify := func(ctx context.Context, tok, id string) error {
		err := verifier.Verify(ctx, tok, id)
		if errors.Is(err, token.ErrUnavailable) {
			return fmt.Errorf("%w: %w", rooms.ErrUnavailable, err)
		}
		return err
	}
	return verify, verifier.Close, nil
}
