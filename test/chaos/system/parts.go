package system

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/service"
)

// The names of the parts, as faults name them. The servers of a NATS cluster are
// nats-1, nats-2 and nats-3.
const (
	NATS       = "nats"
	Redis      = "redis"
	Database   = "mariadb"
	Encryption = "encryption"
	Keys       = "keys"
	Clients    = "clients" // only a proxy: between the clients and the notifier
)

// process adds a process that is not started yet.
func (s *System) process(name, path string, env, args []string, ready func(context.Context) error) (*Process, error) {
	folder := filepath.Join(s.folder, name)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("make a folder for %s: %w", name, err)
	}
	p := &Process{Name: name, path: path, args: args, env: env, log: filepath.Join(folder, "output.log"), ready: ready}
	s.Procs[name] = p
	return p, nil
}

// part starts a part on addr, with a proxy before it.
func (s *System) part(ctx context.Context, name, addr, path string, args []string, ready func(context.Context) error) error {
	env := append(os.Environ(), "ENCRYPT_KEY="+service.DevEncryptKey)
	p, err := s.process(name, path, env, args, ready)
	if err != nil {
		return err
	}
	if err := p.Start(ctx); err != nil {
		return err
	}
	s.addresses[name] = addr
	if s.options.Direct {
		return nil
	}
	if s.Proxies[name], err = NewProxy(ctx, addr); err != nil {
		return err
	}
	s.addresses[name] = s.Proxies[name].Addr()
	return nil
}

// startNATS starts one server, or a cluster of three.
func (s *System) startNATS(ctx context.Context, cluster bool) error {
	names := []string{NATS}
	if cluster {
		names = []string{NATS + "-1", NATS + "-2", NATS + "-3"}
	}
	var clients, routes []string
	for range names {
		for _, list := range []*[]string{&clients, &routes} {
			port, err := freePort(ctx)
			if err != nil {
				return err
			}
			*list = append(*list, loopback(port))
		}
	}
	for i, name := range names {
		file, err := s.natsConfig(name, clients[i], routes[i], routes)
		if err != nil {
			return err
		}
		err = s.part(ctx, name, clients[i], filepath.Join(s.options.Bin, "nats-server"), []string{"-c", file}, natsReady(clients[i]))
		if err != nil {
			return err
		}
		s.directNATS = append(s.directNATS, "nats://"+clients[i])
		s.natsURLs = append(s.natsURLs, "nats://"+s.addresses[name])
	}
	return nil
}

// natsConfig writes a server's configuration. It does not tell clients of the
// others: they would go round the proxies.
func (s *System) natsConfig(name, client, route string, routes []string) (string, error) {
	folder := filepath.Join(s.folder, name)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return "", fmt.Errorf("make a folder for %s: %w", name, err)
	}
	text := fmt.Sprintf("server_name: %s\nlisten: %q\nmax_payload: 8388608\njetstream { store_dir: %q, max_file_store: 17179869184, %s }\n",
		name, client, filepath.Join(folder, "store"), s.options.NATS)
	if len(routes) > 1 {
		text += fmt.Sprintf("cluster { name: chaos, listen: %q, no_advertise: true, routes: [nats://%s] }\n",
			route, strings.Join(routes, ", nats://"))
	}
	file := filepath.Join(folder, "nats.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("configure %s: %w", name, err)
	}
	return file, nil
}

// natsReady asks for the greeting of a server.
func natsReady(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if deadline, ok := ctx.Deadline(); ok {
			if err := conn.SetDeadline(deadline); err != nil {
				return err
			}
		}
		_, err = io.ReadFull(conn, make([]byte, len("INFO")))
		return err
	}
}

// startRedis starts a Redis that keeps what it has acknowledged.
func (s *System) startRedis(ctx context.Context) error {
	path, err := Find("redis-server", "apt-get install -y redis-server")
	if err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	options := &redis.Options{Addr: loopback(port), DialerRetries: 1, MaxRetries: -1, ContextTimeoutEnabled: true}
	s.redis = redis.NewClient(options)
	ready := func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", options.Addr) // the client would write each refusal on stderr
		if err != nil {
			return err
		}
		return errors.Join(conn.Close(), s.redis.Ping(ctx).Err())
	}
	return s.part(ctx, Redis, options.Addr, path, []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--appendonly", "yes", "--appendfsync", s.options.Fsync,
	}, ready)
}

// startMariaDB starts a MariaDB with its durable defaults.
func (s *System) startMariaDB(ctx context.Context) error {
	const install = "apt-get install -y mariadb-server"
	server, err := Find("mariadbd", install)
	if err != nil {
		return err
	}
	installer, err := Find("mariadb-install-db", install)
	if err != nil {
		return err
	}
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	folder := filepath.Join(s.folder, Database)
	base := []string{"--no-defaults", "--datadir=" + filepath.Join(folder, "data"), "--innodb-log-file-size=32M",
		"--tmpdir=" + folder} // a server that starts removes the temporary tables it finds, whoever's they are
	if os.Geteuid() == 0 {
		base = append(base, "--user=root")
	}
	if err := run(ctx, s.folder, os.Environ(), installer, append(base, "--auth-root-authentication-method=normal", "--skip-test-db")...); err != nil {
		return err
	}
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Logger = "tcp", loopback(port), "root", log.New(io.Discard, "", 0)
	ready := func(ctx context.Context) error {
		_, err := execSQL(ctx, config, "CREATE DATABASE IF NOT EXISTS users CHARACTER SET utf8mb4")
		return err
	}
	err = s.part(ctx, Database, config.Addr, server, append(base,
		"--bind-address=127.0.0.1", "--port="+strconv.Itoa(port), "--skip-name-resolve", "--max-connections=500",
		"--socket="+filepath.Join(folder, "socket"), "--pid-file="+filepath.Join(folder, "pid"), "--character-set-server=utf8mb4"), ready)
	if err != nil {
		return err
	}
	config.DBName = "users"
	s.users, err = sql.Open("mysql", config.FormatDSN())
	return err
}

// execSQL runs one statement on a connection of its own.
func execSQL(ctx context.Context, config *mysql.Config, statement string) (sql.Result, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	return db.ExecContext(ctx, statement)
}

// startOwn starts the parts that this module serves itself.
func (s *System) startOwn(ctx context.Context) error {
	set := filepath.Join(s.folder, "keys.json")
	if err := os.WriteFile(set, s.Issuer.keySet(), 0o600); err != nil {
		return fmt.Errorf("write the issuer's keys: %w", err)
	}
	for name, args := range map[string][]string{Encryption: nil, Keys: {set}} {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		addr, query := loopback(port), "/"
		if name == Encryption {
			query = "/?wsdl"
		}
		args = append([]string{name, addr}, args...)
		if err := s.part(ctx, name, addr, filepath.Join(s.options.Bin, "part"), args, answers("http://"+addr+query)); err != nil {
			return err
		}
	}
	return nil
}

// answers asks a URL, which must answer 200.
func answers(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		request.Close = true
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		if err := answer.Body.Close(); err != nil {
			return err
		}
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", answer.Status)
		}
		return nil
	}
}

// vars are the variables that all services share.
func (s *System) vars(room int) service.Vars {
	secrets := service.DevSecrets()
	delete(secrets, "JWT_SECRET")
	host, port, _ := net.SplitHostPort(s.addresses[Database]) // it is one of a listener
	return secrets.With(service.Vars{
		"CREATE_USER_MODE":    service.ModeDevelopment,
		"NATS_URL":            strings.Join(s.natsURLs, ","),
		"REDIS_URL":           "redis://" + s.addresses[Redis] + "/0",
		"MYSQL_HOST":          host,
		"MYSQL_PORT":          port,
		"ENCRYPT_URL":         "http://" + s.addresses[Encryption] + "/",
		"JWT_JWKS_URL":        "http://" + s.addresses[Keys] + "/",
		"JWT_JWKS_ALLOW_HTTP": "true",
		"NOTIFIER_PORT":       strconv.Itoa(room),
		"LOG_LEVEL":           "debug",
		"PATH":                os.Getenv("PATH"),
		"HOME":                os.Getenv("HOME"),
		"GORACE":              "atexit_sleep_ms=0",
	}).With(s.options.Vars)
}
