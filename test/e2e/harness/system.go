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
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/parts"
)

// SagaTime is how long a saga may take before a test gives up on it.
const SagaTime = 60 * time.Second

// System is the whole of Create User, running: the services as processes.
type System struct {
	T     testing.TB
	Vars  map[string]string // the environment of every process
	Logs  *Logs             // what every service prints
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
	s := &System{T: t, Logs: &Logs{}, NATS: parts.NATS(t), Procs: map[string]*Process{}, Ports: map[string]string{}}
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
	MustCommand(t, s.Vars, "streams", "apply")
	MustCommand(t, s.Vars, "migrate", "up")
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

// Start starts one service and waits until it is ready.
func (s *System) Start(name string) *Process {
	s.T.Helper()
	port := FreePort(s.T)
	p := StartProcess(s.T, service.Vars(s.Vars).With(service.Vars{"METRICS_PORT": port}), s.Logs, name)
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
	conn, err := nats.Connect(s.Vars["NATS_URL"], nats.MaxReconnects(-1))
	if err != nil {
		s.T.Fatal(err)
	}
	s.T.Cleanup(conn.Close)
	if s.JS, err = jetstream.New(conn); err != nil {
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
	deadline := time.After(SagaTime)
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
