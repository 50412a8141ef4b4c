package parts

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsTimeout bounds the start of the server, which takes milliseconds.
const natsTimeout = 10 * time.Second

// NATSServer is a NATS server with JetStream in this process, for one test.
type NATSServer struct {
	// URL is the address in the form nats://host:port. It stays the same over
	// every stop and start.
	URL string

	options server.Options
	running *server.Server // nil while stopped
}

// NATS starts a server with an empty file store for this test, and ends it with
// the test.
func NATS(t testing.TB) *NATSServer {
	t.Helper()
	store := t.TempDir()
	var last error
	for range startTries {
		port, err := freePort(t.Context())
		if err != nil {
			t.Fatalf("parts: %v", err)
		}
		n := &NATSServer{URL: "nats://" + loopback(port), options: server.Options{
			ServerName: "parts", Host: "127.0.0.1", Port: port,
			JetStream: true, StoreDir: store, NoSigs: true, NoLog: true,
			MaxPayload: 8 << 20, // a request with the largest image, as a dead letter
		}}
		if last = n.start(); last == nil {
			t.Cleanup(n.stop)
			return n
		}
	}
	t.Fatalf("parts: %v", last)
	return nil
}

// NATSConfigured starts a server with a configuration file for this test, as
// [NATS] does. Its address, and how it logs, are not taken from the file.
func NATSConfigured(t testing.TB, file string) *NATSServer {
	t.Helper()
	options, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("parts: %v", err)
	}
	options.Host, options.HTTPPort, options.NoSigs, options.NoLog = "127.0.0.1", 0, true, true
	var last error
	for range startTries {
		port, err := freePort(t.Context())
		if err != nil {
			t.Fatalf("parts: %v", err)
		}
		options.Port = port
		n := &NATSServer{URL: "nats://" + loopback(port), options: *options}
		if last = n.start(); last == nil {
			t.Cleanup(n.stop)
			return n
		}
	}
	t.Fatalf("parts: %v", last)
	return nil
}

// Stop ends the server gracefully. What it has stored stays.
func (n *NATSServer) Stop(t testing.TB) {
	t.Helper()
	n.stop()
}

// Start starts the stopped server again, on the same address and store.
func (n *NATSServer) Start(t testing.TB) {
	t.Helper()
	if err := n.start(); err != nil {
		t.Fatalf("parts: %v", err)
	}
}

func (n *NATSServer) start() error {
	if n.running != nil {
		return fmt.Errorf("starting NATS: it runs already")
	}
	options := n.options // the server keeps what it is given, and changes it
	s, err := server.NewServer(&options)
	if err != nil {
		return fmt.Errorf("starting NATS: %w", err)
	}
	s.Start()
	n.running = s
	if !s.ReadyForConnections(natsTimeout) {
		n.stop()
		return fmt.Errorf("starting NATS: it does not listen on %s", n.URL)
	}
	return nil
}

func (n *NATSServer) stop() {
	if n.running == nil {
		return
	}
	n.running.Shutdown()
	n.running.WaitForShutdown()
	n.running = nil
}
