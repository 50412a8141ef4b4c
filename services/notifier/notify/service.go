package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// Settings are the service's own settings.
type Settings struct {
	token.Settings
	Port    uint16   `env:"NOTIFIER_PORT" envDefault:"4003" help:"port of Socket.IO"`
	Auth    string   `env:"NOTIFIER_AUTH" envDefault:"on" help:"on: a room is joined with a token for its Id; off: by anyone who knows the Id"`
	Origins []string `env:"NOTIFIER_ORIGINS" help:"web origins that may connect, separated by commas; * for any; default the same origin"`
}

// Service returns the notifier.
func Service() service.Service {
	return service.Service{
		Name:  event.StepNotifier,
		About: "tells each user the outcome of their registration over Socket.IO",
		Help:  service.WriteHelp[Settings],
		Run:   run,
	}
}

// closeGrace is how long clients may take to receive what was emitted before a stop.
const closeGrace = 3 * time.Second

func run(ctx context.Context, env *service.Env) error {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	authorize, closeTokens, err := settings.authorize(ctx, env)
	if err != nil {
		return err
	}
	defer closeTokens()
	n := notifier{history: saga.NewStore(env.JS), log: env.Logger}
	server, err := rooms.New(rooms.Options{
		Authorize: authorize, Last: n.last, Logger: env.Logger, Origins: settings.Origins,
	})
	if err != nil {
		return fmt.Errorf("make the Socket.IO server: %w", err)
	}
	n.rooms = server

	following := make(chan struct{})
	return service.All(ctx,
		func(ctx context.Context) error { return n.follow(ctx, env.JS, func() { close(following) }) },
		func(ctx context.Context) error {
			select {
			case <-following:
			case <-ctx.Done():
				return nil
			}
			return serve(ctx, env, settings.Port, server)
		},
	)
}

// serve lets clients in until ctx ends, then sends what was emitted and closes.
func serve(ctx context.Context, env *service.Env, port uint16, server *rooms.Server) error {
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
		defer cancel()
		if err := server.Close(closing); err != nil {
			env.Logger.Warn().Err(err).Msg("cannot close every client in time")
		}
	}()
	return service.Serve(ctx, env.Address(port), "NOTIFIER_PORT", server.Handler(), time.Second, env.Logger)
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
	return verifier.Verify, verifier.Close, nil
}
