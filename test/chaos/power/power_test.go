package power_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
	"github.com/create-user/create-user/test/chaos/power"
	"github.com/create-user/create-user/test/chaos/system"
)

// requests is how many are acknowledged before the power fails.
const requests = 200

// TestPowerFailure_TakesNoAcknowledgedRequest publishes requests, cuts the power of
// every server at once as soon as all are acknowledged, and looks what the servers
// know that start from what was flushed. Without sync_interval: always they have
// lost some: so it is seen that the disk forgets what a real one would.
func TestPowerFailure_TakesNoAcknowledgedRequest(t *testing.T) {
	t.Parallel()
	binary, err := system.BuildNATS(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		servers int
		sync    string
		loses   bool
	}{
		"of one server that flushes always":      {1, "always", false},
		"of three servers that flush always":     {3, "always", false},
		"unless one server flushes now and then": {1, "1h", true},
		"unless three servers do":                {3, "1h", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := begin(t, binary, c.servers, c.sync)
			s.publish()
			s.powerFailure()
			if lost := requests - s.stored(); (lost > 0) != c.loses {
				t.Errorf("lost %d of %d acknowledged requests, want some: %t", lost, requests, c.loses)
			} else {
				t.Logf("lost %d of %d acknowledged requests", lost, requests)
			}
		})
	}
}

// site is where the servers stand.
type site struct {
	t       testing.TB
	binary  string
	sync    string
	disks   []*power.Disk
	clients []string // addresses
	routes  []string
	running []*exec.Cmd
}

// begin starts servers on disks of their own, and declares the streams.
func begin(t *testing.T, binary string, servers int, sync string) *site {
	t.Helper()
	s := &site{t: t, binary: binary, sync: sync}
	for range servers {
		disk, err := power.Mount(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = disk.Unmount() }) // once more where the test ends early
		s.disks, s.clients, s.routes = append(s.disks, disk), append(s.clients, freeAddr(t)), append(s.routes, freeAddr(t))
	}
	for i, d := range s.disks {
		s.start(i, d.Path)
	}
	t.Cleanup(s.kill)
	s.eventually("declare the streams", func(ctx context.Context, js jetstream.JetStream) error {
		_, err := streams.Apply(ctx, js, streams.Options{Replicas: servers})
		return err
	})
	for _, d := range s.disks { // the streams have long been there
		if err := d.Sync(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// start starts server i with its store in a folder.
func (s *site) start(i int, store string) {
	s.t.Helper()
	text := fmt.Sprintf("server_name: n%d\nlisten: %q\nmax_payload: 8388608\njetstream { store_dir: %q, max_file_store: 17179869184, sync_interval: %s }\n",
		i, s.clients[i], store, s.sync)
	if len(s.routes) > 1 {
		text += fmt.Sprintf("cluster { name: power, listen: %q, routes: [nats://%s] }\n", s.routes[i], strings.Join(s.routes, ", nats://"))
	}
	file := filepath.Join(s.t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.CommandContext(s.t.Context(), s.binary, "-c", file)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.running = append(s.running, cmd)
}

// kill ends all servers at once.
func (s *site) kill() {
	for _, cmd := range s.running {
		_ = cmd.Process.Kill()
	}
	for _, cmd := range s.running {
		_ = cmd.Wait()
	}
	s.running = nil
}

// powerFailure cuts the power of all servers, and starts them again with what is left.
func (s *site) powerFailure() {
	s.t.Helper()
	for _, d := range s.disks {
		d.Cut()
	}
	s.kill()
	for i, d := range s.disks {
		if err := d.Unmount(); err != nil {
			s.t.Fatal(err)
		}
		s.start(i, d.Platter)
	}
}

// publish publishes the requests, and returns when all are acknowledged.
func (s *site) publish() {
	s.t.Helper()
	js := s.connect()
	for i := range requests {
		if _, err := js.Publish(s.t.Context(), event.SubjectRequested, []byte("request"), jetstream.WithMsgID(strconv.Itoa(i)),
			jetstream.WithRetryAttempts(100)); err != nil {
			s.t.Fatalf("request %d: %v", i, err)
		}
	}
}

// stored returns how many requests are in the inbox.
func (s *site) stored() int {
	s.t.Helper()
	n := 0
	s.eventually("read the inbox", func(ctx context.Context, js jetstream.JetStream) error {
		stream, err := js.Stream(ctx, event.StreamRequests)
		if err != nil {
			return err
		}
		n = int(stream.CachedInfo().State.Msgs)
		return nil
	})
	return n
}

// eventually does something as soon as the servers are ready for it. A stream that
// they have never heard of is none that is yet to come.
func (s *site) eventually(what string, do func(context.Context, jetstream.JetStream) error) {
	s.t.Helper()
	js := s.connect()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		try, end := context.WithTimeout(ctx, 2*time.Second)
		err := do(try, js)
		if end(); err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s: %v", what, err)
		}
	}
}

func (s *site) connect() jetstream.JetStream {
	s.t.Helper()
	conn, err := nats.Connect("nats://"+strings.Join(s.clients, ",nats://"), nats.MaxReconnects(-1),
		nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return js
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
