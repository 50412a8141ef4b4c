package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/notifier/relay"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// RelaySettings are those of relay mode, and which mode it is.
type RelaySettings struct {
	Mode   string        `env:"NOTIFIER_MODE" help:"serve: be the Socket.IO server; relay: be a client of an existing one; default relay when NOTIFIER_RELAY_URL is set"`
	URL    string        `env:"NOTIFIER_RELAY_URL" legacy:"http://127.0.0.1:{PORT_MESSAGES_USERS}" help:"the existing Socket.IO server, http://host:port; https:// for TLS"`
	Token  string        `env:"NOTIFIER_RELAY_TOKEN" secret:"true" help:"sent to that server as auth.token, when it asks for one"`
	Settle time.Duration `env:"NOTIFIER_RELAY_SETTLE" envDefault:"30s" help:"how long the server is left alone after a connection is made: it may have been away, and its clients come back first"`
	Ack    bool          `env:"NOTIFIER_RELAY_ACK" help:"true: the server acknowledges each Profile, with false when nobody is in the room; nothing else counts as arrival"`
	MaxAge time.Duration `env:"NOTIFIER_RELAY_MAX_AGE" envDefault:"1h" help:"outcomes older than this are not told any more; 0 for no limit"`
}

// The values of NOTIFIER_MODE.
const (
	modeServe = "serve"
	modeRelay = "relay"
)

// Relays reports whether the notifier is a client of an existing server. Its
// errors name the setting that is wrong.
func (s RelaySettings) Relays() (bool, error) {
	switch {
	case s.Mode == "" && s.URL == "", s.Mode == modeServe:
		return false, nil
	case s.Mode != "" && s.Mode != modeRelay:
		return false, fmt.Errorf("NOTIFIER_MODE: want %s or %s, have %q", modeServe, modeRelay, s.Mode)
	case s.URL == "":
		return false, errors.New("NOTIFIER_RELAY_URL is not set: NOTIFIER_MODE=relay needs the Socket.IO server's address, http://host:port")
	case s.Settle < 0:
		return false, errors.New("NOTIFIER_RELAY_SETTLE: must not be below 0")
	case s.MaxAge < 0:
		return false, errors.New("NOTIFIER_RELAY_MAX_AGE: must not be below 0")
	}
	return true, nil
}

// runRelay relays outcomes until ctx ends. The connection stays until what is in
// hand is settled.
func runRelay(ctx context.Context, env *service.Env, settings RelaySettings) error {
	client, err := relay.New(relay.Options{URL: settings.URL, Token: settings.Token, Settle: settings.Settle, Acks: settings.Ack, Logger: env.Logger})
	if err != nil {
		return fmt.Errorf("NOTIFIER_RELAY_URL: %w", err)
	}
	env.Health.Add("socket.io", client.Connected)
	r := relayer{
		notifier: notifier{history: saga.NewStore(env.JS), log: env.Logger},
		client:   client, maxAge: settings.MaxAge,
	}
	connection, disconnect := context.WithCancel(context.WithoutCancel(ctx))
	return service.All(ctx,
		func(context.Context) error {
			client.Run(connection)
			return nil
		},
		func(ctx context.Context) error {
			defer disconnect()
			return saga.Run(ctx, env.Saga, saga.Step[event.Ended, saga.Nothing]{
				Name: event.StepNotifier, Handle: saga.Each(relayWorkers, r.relay),
			})
		},
	)
}

// relayWorkers is how many outcomes of one batch are under way at once: all, so
// that one proof serves them.
const relayWorkers = 1024

// awaited is how long an outcome is told again while nobody is in its room: by
// default a registration takes no longer, so whoever asked for it waits that long.
const awaited = 2 * time.Minute

// sender emits to an existing Socket.IO server, as [relay.Client] does.
type sender interface {
	Emit(ctx context.Context, key, name string, payload any) error
	ConnectedFor() time.Duration
}

// relayer tells outcomes to an existing Socket.IO server.
type relayer struct {
	notifier
	client sender
	maxAge time.Duration // 0: no limit
}

// profile is the event that the existing server knows, and forwards to the room.
type profile struct {
	ID      string `json:"Id"` // the room
	Status  bool
	Message string
}

const profileEvent = "Profile"

// relay has the existing server tell an outcome, unless it is not to be heard.
func (r relayer) relay(ctx context.Context, e saga.Event[event.Ended]) (saga.Nothing, error) {
	var done saga.Nothing
	told, err := r.due(ctx, e)
	if err != nil {
		return done, saga.Unavailable(err)
	}
	if !told {
		return done, nil
	}
	err = r.client.Emit(ctx, e.Saga, profileEvent, profile{ID: rooms.Name(e.Body.ID), Status: e.Body.Status, Message: e.Body.Message})
	switch {
	case errors.Is(err, relay.ErrTooLarge): // an Id that nobody can have
		r.log.Warn().Err(err).Str("saga", e.Saga).Msg("an outcome cannot be told")
		return done, nil
	case errors.Is(err, relay.ErrNotHeard) && time.Since(e.Meta.Time) > awaited && r.client.ConnectedFor() > awaited:
		r.log.Info().Str("saga", e.Saga).Msg("nobody has come to hear an outcome")
		return done, nil
	case errors.Is(err, relay.ErrNotAcknowledged), errors.Is(err, relay.ErrNotHeard):
		return done, err
	case err != nil:
		return done, saga.Unavailable(err)
	}
	r.log.Debug().Str("saga", e.Saga).Msg("outcome relayed")
	return done, nil
}

// due reports whether an outcome is to be told, and still can be of use.
func (r relayer) due(ctx context.Context, e saga.Event[event.Ended]) (bool, error) {
	if e.Body.ID == "" { // a request that named nobody
		return false, nil
	}
	if r.maxAge > 0 && time.Since(e.Meta.Time) > r.maxAge {
		r.log.Warn().Str("saga", e.Saga).Time("ended", e.Meta.Time).Msg("an outcome is too old to be told (NOTIFIER_RELAY_MAX_AGE)")
		return false, nil
	}
	o := outcome{Stored: saga.Stored{Key: e.Key, Type: e.Body.EventType(), Meta: e.Meta, Time: e.Meta.Time}, body: e.Body}
	return r.told(ctx, o)
}
