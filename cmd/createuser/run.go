//go:build !deployed

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/code-checker/check"
	"github.com/create-user/create-user/services/console/console"
	"github.com/create-user/create-user/services/encryptor/encrypt"
	"github.com/create-user/create-user/services/notifier/notify"
	"github.com/create-user/create-user/services/token-verifier/verify"
	"github.com/create-user/create-user/services/user-writer/write"
	"github.com/create-user/create-user/services/watchdog/watch"
	"github.com/create-user/create-user/streams"
)

// runHelp is the command's line in --help.
const runHelp = "Run everything in this process, for development: NATS, Redis, database, encryption stand-in and all services."

type runCommand struct{}

// Help explains the command at length.
func (runCommand) Help() string {
	return `Everything listens on loopback. Ports: NATS_PORT (4222), REDIS_PORT (6379), ENCRYPT_PORT (4005),
NOTIFIER_PORT (4003), CONSOLE_PORT (8080), METRICS_PORT (9090). Data lies in CREATE_USER_DATA (.create-user).

The embedded Redis keeps codes in memory: a restart forgets them, and a registration under way is told that its code
is incorrect. Set REDIS_URL to keep them.

Set NATS_URL, REDIS_URL, ENCRYPT_URL or MYSQL_HOST to use a real server in place of the embedded one, and
NOTIFIER_RELAY_URL to have an existing Socket.IO server tell the outcomes.
The keys and secrets of development mode are fixed and public: never deploy them.`
}

// runSettings are the settings of createuser run itself.
type runSettings struct {
	notify.RelaySettings
	Mode        string        `env:"CREATE_USER_MODE" help:"must be development here"`
	Data        string        `env:"CREATE_USER_DATA" envDefault:".create-user" help:"folder for streams and users"`
	NATSURL     string        `env:"NATS_URL" help:"a NATS server in place of the embedded one"`
	RedisURL    string        `env:"REDIS_URL" legacy:"redis://127.0.0.1:{PORT_DB_CODE}/0" help:"a Redis in place of the embedded one"`
	EncryptURL  string        `env:"ENCRYPT_URL" legacy:"http://127.0.0.1:{PORT_ENCRYPT}/" help:"an encryption service in place of the stand-in"`
	EncryptKey  string        `env:"ENCRYPT_KEY" secret:"true" help:"the stand-in's AES-256 key, 32 bytes"`
	MySQLHost   string        `env:"MYSQL_HOST" help:"a MySQL or MariaDB server in place of SQLite"`
	Host        string        `env:"LISTEN_HOST" envDefault:"127.0.0.1" help:"host on which ports are opened"`
	NATSPort    uint16        `env:"NATS_PORT" envDefault:"4222" help:"port of the embedded NATS"`
	RedisPort   uint16        `env:"REDIS_PORT" envDefault:"6379" help:"port of the embedded Redis"`
	EncryptPort uint16        `env:"ENCRYPT_PORT" envDefault:"4005" help:"port of the encryption stand-in"`
	NotifyPort  uint16        `env:"NOTIFIER_PORT" envDefault:"4003" help:"port of Socket.IO"`
	ConsolePort uint16        `env:"CONSOLE_PORT" envDefault:"8080" help:"port of the operators' page, and of the sign-up page"`
	MetricsPort uint16        `env:"METRICS_PORT" envDefault:"9090" legacy:"PORT" help:"port of /metrics, /healthz and /readyz"`
	LogLevel    zerolog.Level `env:"LOG_LEVEL" envDefault:"info" help:"trace, debug, info, warn or error"`
}

// services are all services of the system, in saga order, and the console.
func services(development *console.Development) []service.Service {
	return []service.Service{
		verify.Service(), check.Service(), encrypt.Service(), write.Service(), notify.Service(), watch.Service(),
		console.Service(development),
	}
}

// Run runs everything until it is told to stop.
func (runCommand) Run(ctx context.Context, t *tool) error {
	settings, err := service.Load[runSettings](t.vars)
	if err != nil {
		return err
	}
	if settings.Mode != service.ModeDevelopment {
		return fmt.Errorf("%s is %q: createuser run is for development only; deploy the services themselves", modeVariable, settings.Mode)
	}
	relays, err := settings.Relays()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(settings.Data, 0o750); err != nil {
		return fmt.Errorf("CREATE_USER_DATA: %w", err)
	}
	log := zerolog.New(t.err).Level(settings.LogLevel).With().Timestamp().Str("service", "createuser").Logger()
	p := parts{settings: settings, relays: relays, log: log, vars: t.vars}
	if err := p.start(ctx); err != nil {
		return errors.Join(err, p.stop())
	}
	return errors.Join(p.runServices(ctx, t), p.stop())
}

// runServices runs every service beside the health server until ctx ends.
func (p *parts) runServices(ctx context.Context, t *tool) error {
	development, closeDevelopment, err := p.development(ctx, t)
	if err != nil {
		return err
	}
	defer closeDevelopment()
	all := services(development)
	probes := service.NewProbes()
	envs := make([]*service.Env, 0, len(all))
	for _, s := range all {
		env, closeEnv, err := service.Open(s.Name, p.vars, t.err, probes) //nolint:contextcheck // the exporter of spans connects later, when there is one to send
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		defer closeEnv()
		envs = append(envs, env)
	}
	js := envs[0].JS
	options, err := streamOptions(p.vars)
	if err != nil {
		return err
	}
	if _, err := streams.Apply(ctx, js, options); err != nil {
		return fmt.Errorf("apply the streams: %w", err)
	}
	run := []func(context.Context) error{func(ctx context.Context) error {
		return service.Serve(ctx, service.Address(p.settings.Host, p.settings.MetricsPort), "METRICS_PORT", probes.Handler(), time.Second, p.log)
	}}
	for i, s := range all {
		run = append(run, func(ctx context.Context) error {
			if err := s.RunMeasured(ctx, envs[i]); err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			return nil
		})
	}
	if err := p.welcome(t); err != nil {
		return err
	}
	return service.All(ctx, run...)
}

// welcome says where everything is and what to try.
func (p *parts) welcome(t *tool) error {
	s := p.settings
	return t.printf(`
Create User is running in development mode. Its keys and secrets are public: never deploy them.

  NATS        %s
  Redis       %s
  encryption  %s
  users       %s
  Socket.IO   %s
  console     http://%s (token: %s)
  sign up     http://%s/signup
  health      http://%s/readyz, http://%s/metrics

Try it, in another terminal:

%s  bin/createuser submit --id ada --token "$(bin/createuser token ada)" --code "$(bin/createuser code ada)" \
      --phone +4915112345678 --password 'correct horse' --username Ada
  bin/createuser watch ada
  bin/createuser user ada

Development secrets:

%s
`, withoutCredentials(cmp.Or(p.vars["NATS_URL"], s.NATSURL)), withoutCredentials(cmp.Or(p.vars["REDIS_URL"], s.RedisURL)),
		withoutCredentials(cmp.Or(p.vars["ENCRYPT_URL"], s.EncryptURL)), p.usersAt(),
		p.roomsAt(), service.Address(s.Host, s.ConsolePort), p.consoleToken(), service.Address(s.Host, s.ConsolePort),
		service.Address(s.Host, s.MetricsPort), service.Address(s.Host, s.MetricsPort), exports(t.vars), developmentSecrets(p.vars))
}

// exports returns the line of a shell that has the other commands find what was
// moved; none when all is where they look. Addresses of the user's own servers are
// left out: passwords may stand there.
func exports(vars service.Vars) string {
	var all []string
	for _, name := range []string{"NATS_PORT", "REDIS_PORT", "CREATE_USER_DATA"} {
		if value := vars[name]; value != "" {
			all = append(all, name+"='"+strings.ReplaceAll(value, "'", `'\''`)+"'")
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "  export " + strings.Join(all, " ") + "\n"
}

// withoutCredentials returns URLs, separated by commas, without what may be a
// secret in them.
func withoutCredentials(urls string) string {
	var all []string
	for one := range strings.SplitSeq(urls, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		if err != nil || u.Host == "" {
			all = append(all, "(as set)")
			continue
		}
		u.User, u.RawQuery = nil, ""
		all = append(all, u.String())
	}
	return strings.Join(all, ", ")
}
