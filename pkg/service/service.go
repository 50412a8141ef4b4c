package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/metrics"
	"github.com/create-user/create-user/pkg/saga"
)

// Description is what can be said of a service, and tried, without running it.
type Description struct {
	Name  string
	About string // one line for --help
	// Help writes the table of the service's own settings: WriteHelp of their type.
	Help func(io.Writer) error
	// Describe returns the service's own settings as it reads them: Describe of
	// their type. Nil: it has none.
	Describe func(Vars) ([]Setting, error)
	// Probes returns what the service needs beside NATS. It fails only when its
	// settings are wrong. Nil: nothing.
	Probes func(Vars) ([]Probe, error)
}

// Service is one service of the system. Who only describes it holds no Service, so
// that the linker leaves out what runs it.
type Service struct {
	Description

	// Run runs the service until ctx ends. It reads its own settings from
	// env.Vars, and returns nil after a graceful stop.
	Run func(ctx context.Context, env *Env) error
	// HeapGrowth is by how many per cent the heap may grow between two collections,
	// see RaiseHeap: fewer for a service that keeps much. 0: by 25.
	HeapGrowth int
}

// Settings are what all services share.
type Settings struct {
	NATSSettings
	Mode          string        `env:"CREATE_USER_MODE" help:"development accepts the fixed development secrets; anything else refuses them"`
	LogLevel      zerolog.Level `env:"LOG_LEVEL" envDefault:"info" help:"trace, debug, info, warn or error"`
	ListenHost    string        `env:"LISTEN_HOST" envDefault:"127.0.0.1" help:"host on which ports are opened; 0.0.0.0 in a container"`
	Collector     string        `env:"OTEL_EXPORTER_OTLP_ENDPOINT" help:"OpenTelemetry collector that gets traces, by OTLP over HTTP: http://host:4318; default: no traces"`
	MetricsPort   uint16        `env:"METRICS_PORT" envDefault:"9090" legacy:"PORT" help:"port of /metrics, /healthz and /readyz"`
	DeadLetterKey string        `env:"DEAD_LETTER_PUBLIC_KEY,required" help:"key that dead letters are sealed to (createuser keygen)"`
	Batch         int           `env:"SAGA_BATCH" envDefault:"64" help:"events handled together at most"`
	Loops         int           `env:"SAGA_LOOPS" envDefault:"4" help:"batches in hand at once, for each step"`
	HandleTimeout time.Duration `env:"SAGA_HANDLE_TIMEOUT" envDefault:"5s" help:"time for one batch; far below the consumer's ack wait"`
	DeliveryLimit int           `env:"SAGA_DELIVERY_LIMIT" envDefault:"10" help:"deliveries of an event before it is dead-lettered"`
	Deadline      time.Duration `env:"SAGA_DEADLINE" envDefault:"2m" help:"time for a registration, from its request"`
}

// maxHandleTimeout is a quarter of the consumers' ack wait: a batch that takes
// longer would be handled twice at once.
const maxHandleTimeout = 7500 * time.Millisecond

// validate returns an error that names the first setting out of range.
func (s Settings) validate() error {
	switch {
	case s.Batch < 1:
		return errors.New("SAGA_BATCH: want at least 1")
	case s.Loops < 1:
		return errors.New("SAGA_LOOPS: want at least 1")
	case s.DeliveryLimit < 1:
		return errors.New("SAGA_DELIVERY_LIMIT: want at least 1")
	case s.HandleTimeout <= 0 || s.HandleTimeout > maxHandleTimeout:
		return fmt.Errorf("SAGA_HANDLE_TIMEOUT: want more than 0 and at most %s", maxHandleTimeout)
	case s.Deadline <= 0:
		return errors.New("SAGA_DEADLINE: want more than 0")
	}
	return nil
}

// Env is what a service runs in.
type Env struct {
	Vars       Vars
	Logger     zerolog.Logger
	Health     *Health
	Metrics    *metrics.Metrics
	Saga       saga.Config
	Tracing    trace.TracerProvider // nil: nothing is traced
	JS         jetstream.JetStream
	ListenHost string
}

// Address returns the address of a port on the host where ports are opened.
func (e *Env) Address(port uint16) string { return Address(e.ListenHost, port) }

// Address joins a host and a port.
func Address(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// LocalAddress returns where this machine itself reaches a port that is open on a
// host: on loopback when it is open on all of them.
func LocalAddress(host string, port uint16) string {
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return Address(host, port)
}

// Probes are what a process shows of itself to those who watch over it. Services
// that share a process share them.
type Probes struct {
	Health  *Health
	Metrics *metrics.Metrics
}

// NewProbes returns the probes of a process.
func NewProbes() Probes {
	p := Probes{Health: NewHealth(), Metrics: metrics.New(Version())}
	p.Metrics.Register(dependencies{p.Health})
	return p
}

// Handler answers /healthz, /readyz and /metrics.
func (p Probes) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", p.Health.Handler())
	mux.Handle("GET /metrics", p.Metrics.Handler())
	return mux
}

// Open prepares the environment of a service: shared settings, log, NATS. The
// returned function closes what was opened.
func Open(name string, vars Vars, out io.Writer, probes Probes) (*Env, func(), error) {
	settings, err := Load[Settings](vars)
	if err != nil {
		return nil, nil, err
	}
	if err := settings.validate(); err != nil {
		return nil, nil, err
	}
	log := zerolog.New(out).Level(settings.LogLevel).With().Timestamp().Str("service", name).Logger()
	key, err := event.ParsePublicKey(settings.DeadLetterKey)
	if err != nil {
		return nil, nil, fmt.Errorf("DEAD_LETTER_PUBLIC_KEY: %w", err)
	}
	conn, err := Connect(settings.NATSSettings, name, log)
	if err != nil {
		return nil, nil, err
	}
	js, err := settings.JetStream(conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	tracing, err := openTracing(settings.Collector, name, log)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	probes.Health.Add("nats", func(context.Context) error { return connected(conn) })
	probes.Metrics.Gauge("saga_deadline_seconds", "How long after its request a saga may take, unless the request says otherwise.", settings.Deadline.Seconds)
	env := &Env{
		Vars: vars, Logger: log, Health: probes.Health, Metrics: probes.Metrics, JS: js, ListenHost: settings.ListenHost,
		Saga: saga.Config{
			JetStream: js, DeadLetters: event.NewSealer(key), Logger: log,
			Batch: settings.Batch, Loops: settings.Loops, HandleTimeout: settings.HandleTimeout,
			DeliveryLimit: settings.DeliveryLimit, Deadline: settings.Deadline, Observe: probes.Metrics.Observe,
		},
	}
	if tracing != nil {
		env.Tracing, env.Saga.Tracer = tracing, tracing.Tracer(tracerName)
	}
	return env, func() {
		flushAndClose(conn, log)
		closeTracing(tracing, log)
	}, nil
}

// Main runs a service as a process until SIGINT or SIGTERM and returns the exit
// code: 0 after a graceful stop, 2 for arguments, for settings that [Load]
// refuses and for those of NATS, 1 otherwise.
func Main(s Service) int {
	if len(os.Args) > 1 {
		return arguments(s, os.Args[1:])
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	vars, err := WithDotEnv(Environ(), DotEnvFile)
	if err != nil {
		return fail(s, 2, err)
	}
	releaseHeap := RaiseHeap(vars, s.HeapGrowth)
	defer releaseHeap()
	settings, err := Load[Settings](vars)
	if err != nil {
		return fail(s, 2, err)
	}
	probes := NewProbes()
	env, closeEnv, err := Open(s.Name, vars, os.Stdout, probes)
	if err != nil {
		return fail(s, 2, err)
	}
	defer closeEnv()
	err = All(ctx,
		func(ctx context.Context) error { return s.RunMeasured(ctx, env) },
		func(ctx context.Context) error {
			return Serve(ctx, env.Address(settings.MetricsPort), "METRICS_PORT", probes.Handler(), time.Second, env.Logger)
		},
	)
	if _, wrong := errors.AsType[settingsError](err); wrong {
		return fail(s, 2, err)
	}
	if err != nil {
		return fail(s, 1, err)
	}
	return 0
}

// RunMeasured runs the service until ctx ends. Meanwhile it measures what waits for
// the service's steps, and says that the service lives.
func (s Service) RunMeasured(ctx context.Context, env *Env) error {
	var steps []string
	for _, step := range event.Path() {
		if step.Service == s.Name {
			steps = append(steps, step.Name)
		}
	}
	return All(ctx,
		func(ctx context.Context) error { return s.Run(ctx, env) },
		func(ctx context.Context) error {
			env.Metrics.Poll(ctx, env.JS, steps, env.Logger)
			return nil
		},
		func(ctx context.Context) error { return env.Announce(ctx, s.Name) },
	)
}

// All runs every function until ctx ends or one of them fails, then stops the
// others, waits for all, and returns their errors.
func All(ctx context.Context, run ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error, len(run))
	for _, f := range run {
		go func() { results <- f(ctx) }()
	}
	var all []error
	for range run {
		if err := <-results; err != nil {
			all = append(all, err)
			cancel()
		}
	}
	return errors.Join(all...)
}

func fail(s Service, code int, err error) int {
	fmt.Fprintf(os.Stderr, "%s: %v\n", s.Name, err)
	return code
}

// arguments answers --help, --version and healthcheck; a service takes no others.
func arguments(s Service, args []string) int {
	switch args[0] {
	case "-h", "--help", "help":
		fmt.Printf("%s: %s\n\nIt is set by environment variables; NAME_FILE names a file that holds NAME.\n\"%[1]s healthcheck\" asks the one that runs with the same settings whether it is ready.\n\nIts own:\n", s.Name, s.About)
		if err := s.Help(os.Stdout); err != nil {
			return fail(s, 1, err)
		}
		fmt.Print("\nShared by all services:\n")
		if err := WriteHelp[Settings](os.Stdout); err != nil {
			return fail(s, 1, err)
		}
		return 0
	case "-v", "--version":
		fmt.Println(s.Name, Version())
		return 0
	case "healthcheck":
		if err := healthcheck(context.Background(), Environ()); err != nil {
			return fail(s, 1, err)
		}
		return 0
	}
	return fail(s, 2, fmt.Errorf("unknown argument %q: settings come from the environment, see --help", args[0]))
}

// version is stamped by the linker into what is built without version control,
// such as images: -X github.com/create-user/create-user/pkg/service.version=…
var version string

// Version returns the version that the build recorded.
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(unknown version)"
	}
	return info.Main.Version
}
