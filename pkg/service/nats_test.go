package service_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

// natsServer starts a NATS server that asks for a password; port -1 for any.
func natsServer(t testing.TB, port int, password string) (*natsserver.Server, int) {
	t.Helper()
	options := &natsserver.Options{Host: "127.0.0.1", Port: port, Username: "ada", Password: password, NoLog: true, NoSigs: true}
	s, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	t.Cleanup(func() { stop(s) })
	return s, options.Port
}

func stop(s *natsserver.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// stopAndHold stops a server and keeps its port for the next one.
func stopAndHold(t testing.TB, s *natsserver.Server) (release func()) {
	t.Helper()
	address := s.Addr().String()
	stop(s)
	return sagatest.Hold(t, address)
}

// refusals is a server's log: it sends on what the server complains of.
type refusals chan string

func (r refusals) Errorf(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); strings.Contains(line, "authentication error") {
		r <- line
	}
}
func (refusals) Noticef(string, ...any) {}
func (refusals) Warnf(string, ...any)   {}
func (refusals) Fatalf(string, ...any)  {}
func (refusals) Debugf(string, ...any)  {}
func (refusals) Tracef(string, ...any)  {}

// await waits for a line that holds text.
func await(t testing.TB, lines <-chan string, text string) {
	t.Helper()
	for !strings.Contains(receive(t, lines, text), text) {
	}
}

func TestConnect_WaitsForAServerThatComesLater(t *testing.T) {
	t.Parallel()
	s, port := natsServer(t, natsserver.RANDOM_PORT, "right")
	address := s.ClientURL()
	release := stopAndHold(t, s)

	lines := make(signals, 1000)
	conn, err := service.Connect(service.NATSSettings{URL: address, User: "ada", Password: "right"}, "fake", zerolog.New(lines))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if conn.IsConnected() {
		t.Error("connected to nothing")
	}
	release()
	s, _ = natsServer(t, port, "right")
	await(t, lines, `"connected to NATS"`)
	release = stopAndHold(t, s)
	await(t, lines, `"disconnected from NATS"`)
	release()
	natsServer(t, port, "right")
	await(t, lines, `"reconnected to NATS"`)
}

func TestConnect_AnEndOfItsOwnIsNoDisconnection(t *testing.T) {
	t.Parallel()
	s, _ := natsServer(t, natsserver.RANDOM_PORT, "right")
	lines := make(signals, 1000)
	conn, err := service.Connect(service.NATSSettings{URL: s.ClientURL(), User: "ada", Password: "right"}, "fake", zerolog.New(lines))
	if err != nil {
		t.Fatal(err)
	}
	await(t, lines, `"connected to NATS"`)
	closed := make(chan struct{})
	conn.SetClosedHandler(func(*nats.Conn) { close(closed) }) // called after any other
	conn.Close()
	receive(t, closed, "the end")
	if len(lines) > 0 {
		t.Errorf("it logs: %s", <-lines)
	}
}

// A server may learn of a service, or of its new password, later than the
// service starts.
func TestConnect_OutlivesRefusals(t *testing.T) {
	t.Parallel()
	s, port := natsServer(t, natsserver.RANDOM_PORT, "wrong")
	refusals := make(refusals, 1000)
	s.SetLoggerV2(refusals, false, false, false)
	lines := make(signals, 1000)
	conn, err := service.Connect(service.NATSSettings{URL: s.ClientURL(), User: "ada", Password: "right"}, "fake", zerolog.New(lines))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 3 {
		receive(t, refusals, "a refusal")
	}
	stopAndHold(t, s)()
	natsServer(t, port, "right")
	await(t, lines, `"connected to NATS"`)
	if !conn.IsConnected() {
		t.Errorf("the connection is %s", conn.Status())
	}
}

func TestConnect_NamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const good = "nats://127.0.0.1:1"
	for name, c := range map[string]struct {
		settings service.NATSSettings
		want     string
	}{
		"an address that is none":           {service.NATSSettings{URL: "nats://ada:ses/ame@127.0.0.1:4222"}, "NATS_URL: want "},
		"an address with spaces":            {service.NATSSettings{URL: good + ",nats://ada:sesame @127.0.0.1:4222"}, "NATS_URL: want "},
		"an empty address between others":   {service.NATSSettings{URL: good + ",," + good}, "NATS_URL: want "},
		"addresses that do not go together": {service.NATSSettings{URL: good + ",ws://ada:sesame@127.0.0.1:80"}, "NATS_URL: "},
		"a seed file that is not there":     {service.NATSSettings{URL: good, NKey: "/nowhere"}, "NATS_NKEY_SEED_FILE: "},
		"a seed file without a seed":        {service.NATSSettings{URL: good, NKey: empty}, "NATS_NKEY_SEED_FILE: "},
		"a CA that is not there":            {service.NATSSettings{URL: good, CA: "/nowhere"}, "NATS_CA: "},
		"a CA that is no certificate":       {service.NATSSettings{URL: good, CA: empty}, "NATS_CA: "},
		"a certificate without its key":     {service.NATSSettings{URL: good, Cert: empty}, "NATS_CERT and NATS_KEY belong together"},
		"a key without its certificate":     {service.NATSSettings{URL: good, Key: empty}, "NATS_CERT and NATS_KEY belong together"},
		"a certificate that cannot be read": {service.NATSSettings{URL: good, Cert: empty, Key: empty}, "NATS_CERT, NATS_KEY: "},
		"a certificate that is not there":   {service.NATSSettings{URL: good, Cert: "/nowhere", Key: empty}, "NATS_CERT, NATS_KEY: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := service.Connect(c.settings, "fake", zerolog.Nop())
			if err == nil {
				conn.Close()
				t.Fatal("accepted")
			}
			if !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "ses") && strings.Contains(err.Error(), "ame") {
				t.Errorf("the error is %v, want %q", err, c.want)
			}
		})
	}
}

func TestServers_ShowsNoCredentials(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"nats://127.0.0.1:4222":                  "nats://127.0.0.1:4222",
		"nats://ada:sesame@one:4222, tls://two":  "nats://one:4222, tls://two",
		"sesame@one":                             "nats://one",
		"nats://ada:ses/ame@one:4222,nats://two": "nats://two",
	} {
		if got := (service.NATSSettings{URL: address}).Servers(); got != want {
			t.Errorf("Servers of %q: %q, want %q", address, got, want)
		}
	}
}
