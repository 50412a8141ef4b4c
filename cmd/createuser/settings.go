package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/code-checker/check"
)

// defaultData is where development data lies, relative to the working folder.
const defaultData = ".create-user"

// modeVariable says whether the fixed development secrets are accepted.
const modeVariable = "CREATE_USER_MODE"

// withDefaults lays the environment over the development defaults, unless
// another mode is asked for. A variable that stands in a file has no default.
func withDefaults(vars service.Vars) service.Vars {
	if mode := vars[modeVariable]; mode != "" && mode != service.ModeDevelopment {
		return vars
	}
	defaults := service.DevSecrets()
	defaults[modeVariable] = service.ModeDevelopment
	defaults["NOTIFIER_ORIGINS"] = "*"
	defaults["SAGA_DELIVERY_LIMIT"] = "3" // who tries things out should not wait long for a dead letter
	if vars["MYSQL_HOST"] == "" {
		folder := vars["CREATE_USER_DATA"]
		if folder == "" {
			folder = defaultData
		}
		defaults["SQLITE_PATH"] = filepath.Join(folder, "users.db")
	}
	set := maps.Clone(vars)
	maps.DeleteFunc(set, func(_, value string) bool { return value == "" })
	maps.DeleteFunc(defaults, func(name, _ string) bool { return set[name+"_FILE"] != "" })
	if set["JWT_JWKS_URL"] != "" || set["JWT_JWKS_FILE"] != "" { // in place of the secret
		delete(defaults, "JWT_SECRET")
	}
	return defaults.With(set)
}

// beside returns the variables as they lead to a server that "createuser run"
// embeds under the same ones: its port alone may have been moved.
func (t *tool) beside(address, format, port string) service.Vars {
	moved := t.vars[modeVariable] == service.ModeDevelopment && t.vars[port] != ""
	if !moved || t.vars[address] != "" || t.vars[address+"_FILE"] != "" {
		return t.vars
	}
	return t.vars.With(service.Vars{address: fmt.Sprintf(format, t.vars[port])})
}

// connection is how the commands reach NATS.
type connection struct {
	service.NATSSettings
}

// connectTimeout bounds how long a command tries to reach a server.
const connectTimeout = 5 * time.Second

// nats connects to NATS for one command: unlike a service it gives up when no
// server answers.
func (t *tool) nats(ctx context.Context) (jetstream.JetStream, func(), error) {
	settings, err := service.Load[connection](t.beside("NATS_URL", "nats://127.0.0.1:%s", "NATS_PORT"))
	if err != nil {
		return nil, nil, err
	}
	conn, err := service.Connect(settings.NATSSettings, "createuser", zerolog.Nop())
	if err != nil {
		return nil, nil, err
	}
	if err := reach(ctx, conn); err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf(`NATS_URL: no NATS server answers at %s: is it running ("createuser run")? %w`, settings.Servers(), err)
	}
	js, err := settings.JetStream(conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return js, conn.Close, nil
}

func reach(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := conn.FlushWithContext(ctx); err != nil {
		return errors.Join(conn.LastError(), err) // the former says why, when it was refused
	}
	return nil
}

// expectEvents fails when there is no event store: who follows one waits until
// it is there.
func expectEvents(ctx context.Context, js jetstream.JetStream) error {
	_, err := js.Stream(ctx, event.StreamEvents)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf(`there is no stream %s ("createuser streams apply"): %w`, event.StreamEvents, err)
	}
	return err
}

// redis connects to Redis for one command.
func (t *tool) redis(ctx context.Context) (*redis.Client, error) {
	settings, err := service.Load[check.Settings](t.beside("REDIS_URL", "redis://127.0.0.1:%s/0", "REDIS_PORT"))
	if err != nil {
		return nil, err
	}
	options, err := settings.Options()
	if err != nil {
		return nil, err
	}
	options.MaxRetries, options.DialerRetries = -1, 1 // a command tries once
	client := redis.NewClient(options)
	if err := client.Ping(ctx).Err(); err != nil {
		return nil, errors.Join(fmt.Errorf(`REDIS_URL: no Redis answers at %s: is it running ("createuser run")? %w`, options.Addr, err), client.Close())
	}
	return client, nil
}
