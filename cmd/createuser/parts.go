//go:build !deployed

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/migrations"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
)

// parts are the embedded stand-ins for the servers that the services need.
type parts struct {
	settings runSettings
	relays   bool // the notifier opens no port
	log      zerolog.Logger
	vars     service.Vars // what the services get: the environment, completed by what was started
	standin  *moody       // nil: there is a real encryption service

	stops []func() error // in order of start
}

// start starts every part that no setting replaces.
func (p *parts) start(ctx context.Context) error {
	if err := p.checkPorts(ctx); err != nil {
		return err
	}
	if p.settings.NATSURL == "" {
		if err := p.startNATS(); err != nil {
			return err
		}
	}
	if p.settings.RedisURL == "" {
		if err := p.startRedis(ctx); err != nil {
			return err
		}
	}
	if p.settings.EncryptURL == "" {
		if err := p.startEncryption(ctx); err != nil {
			return err
		}
	}
	return migrateUp(ctx, p.vars)
}

// stop stops what was started, in reverse.
func (p *parts) stop() error {
	var all []error
	for _, stop := range slices.Backward(p.stops) {
		all = append(all, stop())
	}
	return errors.Join(all...)
}

func (p *parts) set(name, value string) { p.vars = p.vars.With(service.Vars{name: value}) }

// checkPorts fails when a port is taken, naming the variable that moves it,
// before anything is started.
func (p *parts) checkPorts(ctx context.Context) error {
	s := p.settings
	var taken []error
	for _, c := range []struct {
		variable string
		port     uint16
		replaced bool
	}{
		{"NATS_PORT", s.NATSPort, s.NATSURL != ""},
		{"REDIS_PORT", s.RedisPort, s.RedisURL != ""},
		{"ENCRYPT_PORT", s.EncryptPort, s.EncryptURL != ""},
		{"NOTIFIER_PORT", s.NotifyPort, p.relays},
		{"METRICS_PORT", s.MetricsPort, false},
		{"CONSOLE_PORT", s.ConsolePort, false},
	} {
		if c.replaced {
			continue
		}
		var lc net.ListenConfig
		l, err := lc.Listen(ctx, "tcp", service.Address(s.Host, c.port))
		if err != nil {
			taken = append(taken, fmt.Errorf("%s: port %d cannot be opened; set %s to another one: %w", c.variable, c.port, c.variable, err))
			continue
		}
		taken = append(taken, l.Close())
	}
	return errors.Join(taken...)
}

// natsReady is how long the embedded server may take to open its store.
const natsReady = time.Minute

func (p *parts) startNATS() error {
	s, err := server.NewServer(&server.Options{
		ServerName: "create-user-development",
		Host:       p.settings.Host, Port: int(p.settings.NATSPort),
		JetStream: true, StoreDir: filepath.Join(p.settings.Data, "nats"),
		MaxPayload:   8 << 20, // a request with the largest image, as a dead letter
		SyncInterval: 100 * time.Millisecond,
		NoSigs:       true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("embedded NATS: %w", err)
	}
	s.Start() // does not block
	p.stops = append(p.stops, func() error {
		s.Shutdown()
		s.WaitForShutdown()
		return nil
	})
	if !s.ReadyForConnections(natsReady) {
		return fmt.Errorf("embedded NATS is not ready after %s: see %s", natsReady, filepath.Join(p.settings.Data, "nats"))
	}
	p.set("NATS_URL", s.ClientURL())
	return nil
}

func (p *parts) startRedis(ctx context.Context) error {
	r := miniredis.NewMiniRedis()
	if err := r.StartAddr(service.Address(p.settings.Host, p.settings.RedisPort)); err != nil {
		return fmt.Errorf("embedded Redis: REDIS_PORT: %w", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var ticking sync.WaitGroup
	ticking.Go(func() { tellTime(ctx, r.FastForward) })
	p.stops = append(p.stops, func() error {
		cancel()
		ticking.Wait()
		r.Close()
		return nil
	})
	p.set("REDIS_URL", "redis://"+r.Addr()+"/0")
	return nil
}

const (
	// redisTick is how often the embedded Redis is told the time: its TTLs do not
	// run by themselves.
	redisTick = 50 * time.Millisecond
	// redisRest is how many times as long as a tick took the next one waits. A tick
	// sorts and goes through all keys, and Redis answers nobody meanwhile.
	redisRest = 20
)

// tellTime tells a clock that does not run by itself how much time has passed,
// again and again until ctx ends.
func tellTime(ctx context.Context, forward func(time.Duration)) {
	timer := time.NewTimer(redisTick)
	defer timer.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			now := time.Now()
			forward(now.Sub(last))
			last = now
			timer.Reset(max(redisTick, redisRest*time.Since(now)))
		}
	}
}

func (p *parts) startEncryption(ctx context.Context) error {
	handler, err := standin.New([]byte(p.settings.EncryptKey))
	if err != nil {
		return fmt.Errorf("ENCRYPT_KEY: %w", err)
	}
	p.standin = newMoody(handler)
	s, err := standin.Start(ctx, service.Address(p.settings.Host, p.settings.EncryptPort), p.standin)
	if err != nil {
		return fmt.Errorf("ENCRYPT_PORT: %w", err)
	}
	p.stops = append(p.stops, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		return s.Shutdown(ctx)
	})
	p.set("ENCRYPT_URL", s.URL())
	return nil
}

// migrateUp applies the pending migrations of the database that vars name.
func migrateUp(ctx context.Context, vars service.Vars) error {
	return withDatabase(&tool{vars: vars}, func(db *sql.DB, dialect migrations.Dialect) error {
		_, err := migrations.Up(ctx, db, dialect)
		return err
	})
}

// usersAt says where the users are kept.
func (p *parts) usersAt() string {
	if p.settings.MySQLHost != "" {
		return "MySQL at " + p.settings.MySQLHost
	}
	return "SQLite in " + p.vars["SQLITE_PATH"]
}

// roomsAt says where clients hear the outcomes.
func (p *parts) roomsAt() string {
	if p.relays {
		return "relayed to " + withoutCredentials(p.settings.RelaySettings.URL)
	}
	return "http://" + service.Address(p.settings.Host, p.settings.NotifyPort)
}

// developmentSecrets lists the fixed secrets that are in use.
func developmentSecrets(vars service.Vars) string {
	var b strings.Builder
	fixed := service.DevSecrets()
	for _, name := range slices.Sorted(maps.Keys(fixed)) {
		if vars[name] == fixed[name] {
			fmt.Fprintf(&b, "  %s=%s\n", name, fixed[name])
		}
	}
	return b.String()
}
