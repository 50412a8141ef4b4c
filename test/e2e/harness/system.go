package harness

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/parts"
)

// SagaTime is how long a saga may take before a test gives up on it.
const SagaTime = 60 * time.Second

// startTime is how long a program may take until it is ready: one that relays
// leaves its server alone first.
const startTime = 2 * time.Minute

// System is the whole of Create User, running: the services as processes.
type System struct {
	T     testing.TB
	Vars  map[string]string       // the environment of every process
	Own   map[string]service.Vars // by program: what it alone gets, laid over Vars
	Logs  *Logs                   // what every service prints
	JS    jetstream.JetStream
	Store *saga.Store
	Redis *redis.Client
	Users *sql.DB
	Room  string // URL of the Socket.IO server
	NATS  *parts.NATSServer
	Procs map[string]*Process // by service
	Ports map[string]string   // of their probes, by service
}

// Start starts the system, with over laid over its variables.
func Start(t testing.TB, over map[string]string) *System {
	t.Helper()
	return StartOn(t, parts.NATS(t), over, nil)
}

// StartOn starts the system on a NATS server, with over laid over its variables
// and own over those of each program.
func StartOn(t testing.TB, server *parts.NATSServer, over map[string]string, own map[string]service.Vars) *System {
	t.Helper()
	s := &System{T: t, Logs: &Logs{}, NATS: server, Own: own, Procs: map[string]*Process{}, Ports: map[string]string{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("logs of all services:\n%.20000s", s.Logs)
		}
	})
	notifier := FreePort(t)
	s.Room = "http://127.0.0.1:" + notifier
	s.Vars = service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": service.ModeDevelopment,
		"NATS_URL":         s.NATS.URL,
		"REDIS_URL":        parts.Redis(t).URL,
		"ENCRYPT_URL":      EncryptionService(t),
		"NOTIFIER_PORT":    notifier,
		"LOG_LEVEL":        "debug",
	}).With(s.database()).With(over)
	s.connect()
	MustCommand(t, s.VarsOf("createuser"), "streams", "apply")
	MustCommand(t, s.VarsOf("createuser"), "migrate", "up")
	for _, name := range []string{"token-verifier", "code-checker", "encryptor", "user-writer", "notifier", "watchdog"} {
		s.Start(name)
	}
	t.Cleanup(func() { // runs before each is waited for: they stop at once
		for _, p := range s.Procs {
			p.Signal()
		}
	})
	return s
}

// VarsOf returns the environment of a program.
func (s *System) VarsOf(name string) service.Vars { return service.Vars(s.Vars).With(s.Own[name]) }

// Start starts one service and waits until it is ready.
func (s *System) Start(name string) *Process {
	s.T.Helper()
	port := FreePort(s.T)
	p := StartProcess(s.T, s.VarsOf(name).With(service.Vars{"METRICS_PORT": port}), s.Logs, name)
	s.Procs[name], s.Ports[name] = p, port
	WaitReady(s.T, "http://127.0.0.1:"+port+"/readyz", p)
	return p
}

// Metrics returns what all services show to Prometheus, one after the other.
func (s *System) Metrics() string {
	s.T.Helper()
	var all strings.Builder
	for name, port := range s.Ports {
		answer, err := http.Get("http://127.0.0.1:" + port + "/metrics")
		if err != nil {
			s.T.Fatalf("scrape %s: %v", name, err)
		}
		_, err = io.Copy(&all, answer.Body)
		if err := errors.Join(err, answer.Body.Close()); err != nil {
			s.T.Fatalf("scrape %s: %v", name, err)
		}
	}
	return all.String()
}

// database returns the variables of a fresh database, and opens it.
func (s *System) database() service.Vars {
	s.T.Helper()
	config, err := mysql.ParseDSN(parts.MariaDB(s.T).Database(s.T))
	if err != nil {
		s.T.Fatal(err)
	}
	host, port, err := net.SplitHostPort(config.Addr)
	if err != nil {
		s.T.Fatal(err)
	}
	if s.Users, err = sql.Open("mysql", config.FormatDSN()); err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(func() { _ = s.Users.Close() })
	return service.Vars{
		"MYSQL_HOST": host, "MYSQL_PORT": port, "MYSQL_USER": config.User,
		"MYSQL_PASSWORD": config.Passwd, "MYSQL_DATABASE": config.DBName,
	}
}

func (s *System) connect() {
	s.T.Helper()
	settings, err := service.Load[service.NATSSettings](s.VarsOf("createuser"))
	if err != nil {
		s.T.Fatal(err)
	}
	conn, err := service.Connect(settings, "createuser", zerolog.Nop())
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(conn.Close)
	if s.JS, err = settings.JetStream(conn); err != nil {
		s.T.Fatal(err)
	}
	s.Store = saga.NewStore(s.JS)
	options, err := redis.ParseURL(s.Vars["REDIS_URL"])
	if err != nil {
		s.T.Fatal(err)
	}
	s.Redis = redis.NewClient(options)
	s.T.Cleanup(func() { _ = s.Redis.Close() })
}

// FreePort returns a port that nobody listens on now.
func FreePort(t testing.TB) string {
	t.Helper()
	return strconv.Itoa(parts.FreePort(t))
}

// WaitReady asks a readiness probe until it answers 200.
func WaitReady(t testing.TB, url string, p *Process) {
	t.Helper()
	deadline := time.After(startTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if answer, err := http.Get(url); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-p.done:
			t.Fatalf("%s ended before it was ready: %v", p.name, p.err)
		case <-deadline:
			t.Fatalf("%s is not ready: %s", p.name, url)
		}
	}
}
