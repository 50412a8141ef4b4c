package console

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/console/board"
)

// Name is the service's name.
const Name = "console"

// Settings are the service's own settings.
type Settings struct {
	Port       uint16 `env:"CONSOLE_PORT" envDefault:"8080" help:"port of the operators' page"`
	Token      string `env:"CONSOLE_TOKEN,required" secret:"true" help:"what an operator logs in with; 20 characters at least"`
	UserHeader string `env:"CONSOLE_USER_HEADER" help:"header in which a reverse proxy, which sends CONSOLE_TOKEN as bearer token, names the operator"`
	ReadOnly   bool   `env:"CONSOLE_READ_ONLY" envDefault:"false" help:"true: dead letters can be looked at, not replayed or discarded"`
	Sagas      int    `env:"CONSOLE_SAGAS" envDefault:"200000" help:"sagas kept in memory for searching, about 500 bytes each; older ones are found by their Id or saga"`
	PrivateKey string `env:"DEAD_LETTER_PRIVATE_KEY" secret:"true" help:"key that opens dead letters; without it they cannot be replayed here"`
}

// minToken is how many characters a token has at least.
const minToken = 20

func (s Settings) validate() error {
	switch {
	case len(s.Token) < minToken:
		return fmt.Errorf("CONSOLE_TOKEN: want at least %d characters", minToken)
	case s.Sagas < 1:
		return errors.New("CONSOLE_SAGAS: want at least 1")
	}
	return nil
}

// check returns an error that names the first setting which is wrong.
func check(vars service.Vars) error {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return err
	}
	_, err = settings.opener()
	return errors.Join(settings.validate(), err)
}

// opener returns what opens dead letters; nil without a key.
func (s Settings) opener() (*event.Opener, error) {
	if s.PrivateKey == "" {
		return nil, nil
	}
	keys, err := event.ParsePrivateKeys(s.PrivateKey)
	if err != nil {
		return nil, fmt.Errorf("DEAD_LETTER_PRIVATE_KEY: %w", err)
	}
	return event.NewOpener(keys...), nil
}

// Description describes the console.
func Description() service.Description {
	return service.Description{
		Name:     Name,
		About:    "shows operators the flow of registrations, each saga and the dead letters",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   func(vars service.Vars) ([]service.Probe, error) { return nil, check(vars) },
	}
}

// Service returns the console. With a non-nil development it has the sign-up
// page, too.
func Service(development *Development) service.Service {
	return service.Service{
		Description: Description(),
		Run:         func(ctx context.Context, env *service.Env) error { return run(ctx, env, development) },
	}
}

func run(ctx context.Context, env *service.Env, development *Development) error {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	if err := settings.validate(); err != nil {
		return err
	}
	opener, err := settings.opener()
	if err != nil {
		return err
	}
	s, err := newServer(ctx, env, settings)
	if err != nil {
		return err
	}
	s.opener, s.development = opener, development
	return service.All(ctx,
		func(ctx context.Context) error { return s.store.Follow(ctx, s.follower()) },
		func(ctx context.Context) error { s.consumers.watch(ctx); return nil },
		func(ctx context.Context) error { return s.presences.listen(ctx, env.JS.Conn()) },
		func(ctx context.Context) error {
			return service.Serve(ctx, env.Address(settings.Port), "CONSOLE_PORT", s.handler(), time.Second, env.Logger)
		},
	)
}

func newServer(ctx context.Context, env *service.Env, settings Settings) (*server, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, err
	}
	return &server{
		ctx: ctx, env: env, settings: settings, log: env.Logger, pages: pages,
		access: newAccess(settings), began: time.Now(),
		store: saga.NewStore(env.JS), letters: deadletter.Open(env.JS),
		board: board.New(settings.Sagas), consumers: newConsumers(env.JS, env.Logger),
	}, nil
}

// follower feeds the board with the whole event store, then with what comes.
func (s *server) follower() saga.Follower {
	return saga.Follower{
		Filters: []string{event.SagaEvents("*")}, Since: time.Unix(0, 0), Logger: s.log,
		Ready:    func(stored uint64) { s.past.Store(stored) },
		CaughtUp: func() { s.caughtUp.Store(true) },
		Handle: func(_ context.Context, e saga.Stored) {
			s.read.Add(1)
			s.board.Apply(e)
		},
	}
}
