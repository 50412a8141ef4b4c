package sagatest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// Server is an embedded NATS server with JetStream. Its methods may be called
// from the test's goroutine alone, unless they say otherwise.
type Server struct {
	t       testing.TB
	options natsserver.Options
	server  *natsserver.Server
	conn    *nats.Conn
	js      jetstream.JetStream
	key     event.PrivateKey // opens dead letters
	logs    *log
	sagas   int    // named by Key
	release func() // gives back the port of a stopped server

	running context.Context // of all steps; ends with stopAll
	stopAll context.CancelFunc
}

// Options change what [NewWith] starts. Zero values are usable.
type Options struct {
	// AckWait is that of every consumer. Default 30 s, as deployed.
	AckWait time.Duration
	// MaxPayload is the largest message in bytes. Default 8 MiB.
	MaxPayload int32
}

// New starts a server, with the streams, the bucket for images, and the
// consumers of the given steps; of all of them when none is given. It stops at
// the end of the test.
func New(t testing.TB, steps ...string) *Server {
	t.Helper()
	return NewWith(t, Options{}, steps...)
}

// NewWith is [New] with options.
func NewWith(t testing.TB, o Options, steps ...string) *Server {
	t.Helper()
	if o.AckWait == 0 {
		o.AckWait = 30 * time.Second
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = 8 << 20
	}
	key, err := event.GenerateKey("test-dlq")
	if err != nil {
		t.Fatalf("make the key of dead letters: %v", err)
	}
	s := &Server{t: t, key: key, logs: &log{t: t}, options: natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, StoreDir: t.TempDir(), MaxPayload: o.MaxPayload,
	}}
	s.running, s.stopAll = context.WithCancel(context.Background())
	s.start()
	t.Cleanup(s.shutdown)
	s.conn, s.js = s.Connect()
	s.declare(o.AckWait, steps)
	return s
}

// startTimeout bounds the start and the stop of the server.
const startTimeout = 30 * time.Second

func (s *Server) start() {
	s.t.Helper()
	options := s.options // the server keeps and changes it
	server, err := natsserver.NewServer(&options)
	if err != nil {
		s.t.Fatalf("make the NATS server: %v", err)
	}
	server.Start()
	if !server.ReadyForConnections(startTimeout) {
		s.t.Fatalf("the NATS server is not ready after %s", startTimeout)
	}
	s.options.Port = options.Port // from now on the same
	s.server = server
}

func (s *Server) shutdown() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}

// Stop stops the server, gracefully. Connections stay and try again.
func (s *Server) Stop() {
	s.t.Helper()
	lost := s.conn.StatusChanged(nats.RECONNECTING)
	s.shutdown()
	s.release = sync.OnceFunc(Hold(s.t, fmt.Sprintf("127.0.0.1:%d", s.options.Port)))
	s.t.Cleanup(s.release)
	s.await(lost, nats.RECONNECTING)
}

// Start starts a server that was stopped, on the same port and store, and waits
// until the connection of [Server.JS] stands again.
func (s *Server) Start() {
	s.t.Helper()
	back := s.conn.StatusChanged(nats.CONNECTED)
	s.release()
	s.start()
	s.await(back, nats.CONNECTED)
}

// await waits for a change of the connection's status. Without it, a request
// on the connection might go to the server that has gone, and wait for ever.
func (s *Server) await(changed chan nats.Status, to nats.Status) {
	s.t.Helper()
	defer s.conn.RemoveStatusListener(changed)
	limit := time.NewTimer(startTimeout)
	defer limit.Stop()
	select {
	case <-changed:
	case <-limit.C:
		s.t.Fatalf("the connection is not %s after %s", to, startTimeout)
	}
}

// Restart stops the server and starts it again.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.Start()
}

// URL returns the server's address.
func (s *Server) URL() string { return s.server.ClientURL() }

// JS returns a JetStream context, that of [Server.Config].
func (s *Server) JS() jetstream.JetStream { return s.js }

// Store returns the event store.
func (s *Server) Store() *saga.Store { return saga.NewStore(s.js) }

// Connect makes another connection, with the settings that services use. It is
// closed at the end of the test.
func (s *Server) Connect() (*nats.Conn, jetstream.JetStream) {
	s.t.Helper()
	conn, err := nats.Connect(s.URL(),
		nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectJitter(10*time.Millisecond, 10*time.Millisecond))
	if err != nil {
		s.t.Fatalf("connect to NATS: %v", err)
	}
	s.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(5*time.Second))
	if err != nil {
		s.t.Fatalf("make a JetStream context: %v", err)
	}
	return conn, js
}

// Config returns the configuration for a step: it logs to the test and to
// [Server.Logs], and seals dead letters so that [Server.Open] opens them.
func (s *Server) Config() saga.Config {
	return saga.Config{
		JetStream:   s.js,
		DeadLetters: event.NewSealer(s.key.Public()),
		Logger:      zerolog.New(s.logs),
	}
}

// Logs returns all that was logged so far, a JSON object a line. It may be
// called at any time.
func (s *Server) Logs() string { return s.logs.String() }

// log keeps what is logged, and shows it with the test.
type log struct {
	t testing.TB

	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *log) Write(line []byte) (int, error) {
	l.t.Logf("%s", bytes.TrimSpace(line))
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
