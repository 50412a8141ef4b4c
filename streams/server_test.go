package streams_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

// ready bounds every wait for a server.
const ready = 20 * time.Second

// testOptions are those of a server for one test, in a folder of its own.
func testOptions(t testing.TB) *server.Options {
	t.Helper()
	return &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(),
	}
}

func start(t testing.TB, options *server.Options) *server.Server {
	t.Helper()
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatalf("make the server: %v", err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(ready) {
		t.Fatal("the server does not start")
	}
	return s
}

func connect(t testing.TB, s *server.Server) jetstream.JetStream {
	t.Helper()
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithDefaultTimeout(ready))
	if err != nil {
		t.Fatalf("JetStream context: %v", err)
	}
	return js
}

// oneServer returns a connection to a new single server.
func oneServer(t testing.TB) jetstream.JetStream {
	t.Helper()
	return connect(t, start(t, testOptions(t)))
}

// cluster starts three servers and returns a connection to each.
func cluster(t testing.TB) []jetstream.JetStream {
	t.Helper()
	const size = 3
	var routes string
	ports := make([]int, size)
	for i := range ports {
		ports[i] = freePort(t)
		routes += fmt.Sprintf("nats://127.0.0.1:%d,", ports[i])
	}
	nodes := make([]*server.Server, size)
	for i := range nodes {
		options := testOptions(t)
		options.ServerName = fmt.Sprintf("node-%d", i+1)
		options.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]}
		options.Routes = server.RoutesFromStr(routes[:len(routes)-1])
		nodes[i] = start(t, options)
	}
	waitFor(t, "the cluster", func() bool {
		for _, n := range nodes {
			if n.JetStreamIsLeader() && len(n.JetStreamClusterPeers()) == size {
				return true
			}
		}
		return false
	})
	all := make([]jetstream.JetStream, size)
	for i, n := range nodes {
		all[i] = connect(t, n)
	}
	return all
}

// waitFor polls a server that offers no signal to wait on.
func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(ready); !done(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s is not ready after %v", what, ready)
		}
	}
}

// freePort returns a port on which nobody listens now, from below those that the
// system gives to outgoing connections: none of these may take it meanwhile.
func freePort(t testing.TB) int {
	t.Helper()
	for range 50 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer func() { _ = l.Close() }()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("find a free port")
	return 0
}

func load(t testing.TB) streams.Declarations {
	t.Helper()
	d, err := streams.Load()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return d
}

// apply applies d and fails the test on an error.
func apply(t testing.TB, js jetstream.JetStream, d streams.Declarations, options streams.Options) streams.Report {
	t.Helper()
	report, err := d.Apply(t.Context(), js, options)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return report
}

// actions returns what the report says about each stream and consumer by name.
func actions(report streams.Report) map[string]streams.Action {
	all := make(map[string]streams.Action)
	for _, c := range report {
		if c.Consumer != "" {
			all[c.Consumer] = c.Action
		} else {
			all[c.Stream] = c.Action
		}
	}
	return all
}

// everything returns the given action for everything that is declared for every
// mode, except for the names in other.
func everything(d streams.Declarations, action streams.Action, other map[string]streams.Action) map[string]streams.Action {
	all := make(map[string]streams.Action)
	for _, s := range d.Streams {
		all[s.Config.Name] = action
	}
	for _, c := range d.Consumers {
		if !c.RelayOnly() {
			all[c.Config.Durable] = action
		}
	}
	for name, a := range other {
		all[name] = a
	}
	return all
}

// filtersOf returns the subjects that a consumer takes.
func filtersOf(c streams.Consumer) []string {
	if c.Config.FilterSubject != "" {
		return []string{c.Config.FilterSubject}
	}
	return c.Config.FilterSubjects
}

// streamOf and consumerOf return the declaration to be changed by a test.
func streamOf(t testing.TB, d streams.Declarations, name string) *jetstream.StreamConfig {
	t.Helper()
	for i := range d.Streams {
		if d.Streams[i].Config.Name == name {
			return &d.Streams[i].Config
		}
	}
	t.Fatalf("no stream %s is declared", name)
	return nil
}

func consumerOf(t testing.TB, d streams.Declarations, name string) *jetstream.ConsumerConfig {
	t.Helper()
	for i := range d.Consumers {
		if d.Consumers[i].Config.Durable == name {
			return &d.Consumers[i].Config
		}
	}
	t.Fatalf("no consumer %s is declared", name)
	return nil
}

func publish(t testing.TB, js jetstream.JetStream, subject string) {
	t.Helper()
	if _, err := js.Publish(t.Context(), subject, []byte(`{}`)); err != nil {
		t.Fatalf("publish %s: %v", subject, err)
	}
}
