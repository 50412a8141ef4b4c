// Package system runs all of Create User as processes, each of which can be
// ended in any way: the services' binaries, NATS (one server or a cluster of
// three), MariaDB, Redis, an encryption stand-in and an issuer's key server. TCP
// proxies between them can cut and hold connections. npm socket.io clients
// listen for the outcomes.
package system

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/streams"
)

// Options say which system to start.
type Options struct {
	Bin     string // folder of the programs, see Build
	Cluster bool   // three NATS servers, three replicas of each stream

	// Direct leaves out the proxies and the clients: for those who measure.
	Direct bool
	// Services says how many of each service run. Nil: one of each.
	Services map[string]int
	// Vars are laid over the variables of the services.
	Vars service.Vars
	// Fsync is Redis's appendfsync. Empty: always.
	Fsync string
	// NATS is put into the configuration of NATS, in its block jetstream.
	NATS string
	// Store is how many bytes all streams together may hold. 0: as declared.
	Store int64
}

// System is a running system. Its methods take no notice of proxies: they see
// what is there.
type System struct {
	Procs   map[string]*Process
	Proxies map[string]*Proxy
	Clients *Listeners
	Issuer  *Issuer
	// JS reaches NATS as a publisher does: through the proxies.
	JS jetstream.JetStream

	options              Options
	folder               string
	addresses            map[string]string // where the services reach each part
	natsURLs, directNATS []string
	replicas             int
	direct               jetstream.JetStream
	conns                []*nats.Conn
	redis                *redis.Client
	users                *sql.DB
}

// Start starts a system in a new folder. End ends it, Remove removes the folder.
func Start(ctx context.Context, o Options) (*System, error) {
	folder, err := os.MkdirTemp("", "create-user-chaos-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the system: %w", err)
	}
	s := &System{
		Procs: map[string]*Process{}, Proxies: map[string]*Proxy{}, addresses: map[string]string{},
		options: o.withDefaults(), folder: folder, replicas: 1,
	}
	if o.Cluster {
		s.replicas = 3
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the system (logs in %s): %w", folder, err), s.End())
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.Services == nil {
		o.Services = map[string]int{}
		for _, name := range Services() {
			o.Services[name] = 1
		}
	}
	if o.Fsync == "" {
		o.Fsync = "always"
	}
	return o
}

func (s *System) start(ctx context.Context) (err error) {
	if s.Issuer, err = NewIssuer(); err != nil {
		return err
	}
	if err := s.startNATS(ctx, s.options.Cluster); err != nil {
		return err
	}
	for _, start := range []func(context.Context) error{s.startRedis, s.startMariaDB, s.startOwn, s.connect, s.declare, s.startServices} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// connect opens the connections of publishers and of this package.
func (s *System) connect(context.Context) (err error) {
	if s.JS, err = s.dial(s.natsURLs); err != nil {
		return err
	}
	s.direct, err = s.dial(s.directNATS)
	return err
}

func (s *System) dial(urls []string) (jetstream.JetStream, error) {
	conn, err := nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.PingInterval(2*time.Second), nats.DontRandomize())
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	s.conns = append(s.conns, conn)
	return jetstream.New(conn, jetstream.WithDefaultTimeout(5*time.Second))
}

// declare creates streams and tables. A cluster may need some time to elect.
func (s *System) declare(ctx context.Context) error {
	ready, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		_, err := streams.Apply(ready, s.direct, streams.Options{Replicas: s.replicas, Store: s.options.Store})
		if err == nil {
			break
		}
		if wait(ready, time.Second); ready.Err() != nil {
			return fmt.Errorf("declare the streams: %w", err)
		}
	}
	return s.migrate(ctx)
}

// startServices starts the services, all at once, and the clients.
func (s *System) startServices(ctx context.Context) error {
	room, err := freePort(ctx)
	if err != nil {
		return err
	}
	var starts []func(context.Context) error
	for _, name := range Services() {
		for i := range s.options.Services[name] {
			port, at := room, name
			if i > 0 { // another notifier has another port for its clients
				at = name + "-" + strconv.Itoa(i+1)
				if port, err = freePort(ctx); err != nil {
					return err
				}
			}
			p, err := s.service(ctx, name, at, port)
			if err != nil {
				return err
			}
			starts = append(starts, p.Start)
		}
	}
	if err := together(ctx, starts...); err != nil {
		return err
	}
	s.addresses[Clients] = loopback(room)
	if s.options.Direct {
		return nil
	}
	if s.Proxies[Clients], err = NewProxy(ctx, loopback(room)); err != nil {
		return err
	}
	s.Clients, err = Listen(ctx, "http://"+s.Proxies[Clients].Addr())
	return err
}

// service adds one replica of a service; room is the port of its Socket.IO, if any.
func (s *System) service(ctx context.Context, name, replica string, room int) (*Process, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	env := environ(s.vars(room).With(service.Vars{"METRICS_PORT": strconv.Itoa(port)}))
	p, err := s.process(replica, filepath.Join(s.options.Bin, name), env, nil, answers("http://"+loopback(port)+"/readyz"))
	if err != nil {
		return nil, err
	}
	p.polite = true
	return p, nil
}

// Address returns where the services, and others, reach a part or, for Clients,
// the first notifier.
func (s *System) Address(part string) string { return s.addresses[part] }

// together calls every function at once and returns their errors.
func together(ctx context.Context, calls ...func(context.Context) error) error {
	errs := make([]error, len(calls))
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() { errs[i] = call(ctx) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// migrate creates the tables with the tool that deployments use.
func (s *System) migrate(ctx context.Context) error {
	return run(ctx, s.folder, environ(s.vars(0)), filepath.Join(s.options.Bin, "createuser"), "migrate", "up")
}

func environ(vars service.Vars) []string {
	list := make([]string, 0, len(vars))
	for name, value := range vars {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// Heal undoes every fault: all processes run and answer, all connections pass,
// the streams have their declared limits.
func (s *System) Heal(ctx context.Context) error {
	for _, p := range s.Proxies {
		p.Release()
	}
	var starts []func(context.Context) error
	for _, p := range s.Procs {
		p.Thaw()
		if !p.Running() {
			starts = append(starts, p.Start)
		} else {
			starts = append(starts, p.AwaitReady)
		}
	}
	if err := together(ctx, starts...); err != nil {
		return err
	}
	return s.declare(ctx)
}

// Remove removes the logs and the data of an ended system.
func (s *System) Remove() error {
	if err := os.RemoveAll(s.folder); err != nil {
		return fmt.Errorf("remove the system's folder: %w", err)
	}
	return nil
}

// End ends the system: the services gracefully, the parts as they are. Logs and
// data stay.
func (s *System) End() error {
	var errs []error
	if s.Clients != nil {
		s.Clients.Close()
	}
	var calls []func(context.Context) error
	for _, p := range s.Procs {
		if p.polite {
			calls = append(calls, func(context.Context) error { p.Stop(); return nil })
		}
	}
	errs = append(errs, together(context.Background(), calls...))
	for _, c := range s.conns {
		c.Close()
	}
	if s.redis != nil {
		errs = append(errs, s.redis.Close())
	}
	if s.users != nil {
		errs = append(errs, s.users.Close())
	}
	for _, p := range s.Procs {
		p.Kill()
		p.keepers.Wait()
	}
	for _, p := range s.Proxies {
		if p != nil {
			p.Close()
		}
	}
	return errors.Join(errs...)
}

// Folder returns where the logs and the data of all processes are.
func (s *System) Folder() string { return s.folder }

// Troubles returns what processes did that nobody had asked for: they ended by
// themselves, did not end when told to, or raced.
func (s *System) Troubles() []string {
	var all []string
	for _, p := range s.Procs {
		all = append(all, p.Exits()...)
		log, err := os.ReadFile(p.log)
		if err == nil && strings.Contains(string(log), "WARNING: DATA RACE") {
			all = append(all, p.Name+" has a data race: see "+p.log)
		}
	}
	slices.Sort(all)
	return all
}
