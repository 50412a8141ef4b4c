package service

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// NATSSettings says how to reach NATS.
type NATSSettings struct {
	URL      string `env:"NATS_URL" envDefault:"nats://127.0.0.1:4222" help:"NATS servers, separated by commas; tls:// for TLS"`
	NKey     string `env:"NATS_NKEY_SEED_FILE" help:"file with the service's nkey seed"`
	CA       string `env:"NATS_CA" help:"file with the CA certificate of the NATS servers"`
	Cert     string `env:"NATS_CERT" help:"file with the client certificate"`
	Key      string `env:"NATS_KEY" help:"file with the client certificate's key"`
	Prefix   string `env:"NATS_API_PREFIX" envDefault:"$JS.API" help:"what JetStream's API subjects begin with; CREATE_USER.API with the accounts of deploy/nats"`
	User     string `env:"NATS_USER" help:"user name, when NATS asks for one"`
	Password string `env:"NATS_PASSWORD" secret:"true" help:"password of NATS_USER"`
}

// Connect connects to NATS and keeps the connection for as long as the process
// lives: it returns at once, also while no server can be reached, and
// reconnects without end. Only unusable settings are errors.
func Connect(s NATSSettings, name string, log zerolog.Logger) (*nats.Conn, error) {
	for one := range strings.SplitSeq(s.URL, ",") {
		if _, err := parseServer(one); err != nil {
			return nil, fmt.Errorf("NATS_URL: %w", err)
		}
	}
	options := []nats.Option{
		nats.Name(name),
		nats.CustomInboxPrefix("_INBOX." + name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // a server may learn of this service later
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.PingInterval(5 * time.Second), // a frozen server is noticed after two
		nats.ConnectHandler(func(*nats.Conn) { log.Info().Msg("connected to NATS") }),
		nats.ReconnectHandler(func(*nats.Conn) { log.Info().Msg("reconnected to NATS") }),
		nats.DisconnectErrHandler(func(conn *nats.Conn, err error) {
			if !conn.IsClosed() { // by ourselves
				log.Warn().Err(err).Msg("disconnected from NATS")
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Error().Err(err).Msg("NATS reports an error") }),
	}
	more, err := s.security()
	if err != nil {
		return nil, err
	}
	conn, err := nats.Connect(s.URL, append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	if err := connected(conn); err != nil {
		log.Warn().Err(err).Str("servers", s.Servers()).Msg("NATS is away: trying until it is there")
	}
	return conn, nil
}

// parseServer reads one server of NATS_URL, as the client library does. Its
// error holds nothing of the URL: a password may stand there.
func parseServer(server string) (*url.URL, error) {
	server = strings.TrimSpace(server)
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("want nats://host:port, or several separated by commas; tls:// for TLS")
	}
	return u, nil
}

// Servers returns NATS_URL without the credentials that may stand in it.
func (s NATSSettings) Servers() string {
	var servers []string
	for one := range strings.SplitSeq(s.URL, ",") {
		if u, err := parseServer(one); err == nil {
			servers = append(servers, u.Scheme+"://"+u.Host)
		}
	}
	return strings.Join(servers, ", ")
}

// security returns the options for authentication and TLS.
func (s NATSSettings) security() ([]nats.Option, error) {
	var options []nats.Option
	if s.NKey != "" {
		o, err := nats.NkeyOptionFromSeed(s.NKey)
		if err != nil {
			return nil, fmt.Errorf("NATS_NKEY_SEED_FILE: %w", err)
		}
		options = append(options, o)
	}
	if s.User != "" {
		options = append(options, nats.UserInfo(s.User, s.Password))
	}
	if s.CA != "" {
		o, err := tried(nats.RootCAs(s.CA))
		if err != nil {
			return nil, fmt.Errorf("NATS_CA: %w", err)
		}
		options = append(options, o)
	}
	if (s.Cert == "") != (s.Key == "") {
		return nil, errors.New("NATS_CERT and NATS_KEY belong together: set both or neither")
	}
	if s.Cert != "" {
		o, err := tried(nats.ClientCert(s.Cert, s.Key))
		if err != nil {
			return nil, fmt.Errorf("NATS_CERT, NATS_KEY: %w", err)
		}
		options = append(options, o)
	}
	return options, nil
}

// tried returns an option that reads files once it has been seen to work.
func tried(o nats.Option) (nats.Option, error) { return o, o(&nats.Options{}) }

// appendTimeout is how long an append may stay unacknowledged before its fate
// counts as unknown.
const appendTimeout = 5 * time.Second

// maxAppends is how many appends may be in flight on one connection: more than
// all loops of all steps of a service have in hand.
const maxAppends = 4096

// JetStream returns the JetStream context of conn as the saga needs it, with the
// usual API prefix.
func JetStream(conn *nats.Conn) (jetstream.JetStream, error) { return NATSSettings{}.JetStream(conn) }

// JetStream returns the JetStream context of conn as the saga needs it.
func (s NATSSettings) JetStream(conn *nats.Conn) (jetstream.JetStream, error) {
	prefix := cmp.Or(strings.TrimSuffix(s.Prefix, "."), strings.TrimSuffix(jetstream.DefaultAPIPrefix, "."))
	js, err := jetstream.NewWithAPIPrefix(conn, prefix,
		jetstream.WithPublishAsyncTimeout(appendTimeout),
		jetstream.WithPublishAsyncMaxPending(maxAppends),
		jetstream.WithDefaultTimeout(appendTimeout),
	)
	if err != nil {
		return nil, fmt.Errorf("NATS_API_PREFIX: make a JetStream context: %w", err)
	}
	return js, nil
}

// connected is the health check of a connection.
func connected(conn *nats.Conn) error {
	if conn.IsConnected() {
		return nil
	}
	err := fmt.Errorf("not connected to NATS (%s)", strings.ToLower(conn.Status().String()))
	if why := conn.LastError(); why != nil {
		err = fmt.Errorf("%w: %w", err, why) // a refusal is said here alone until the first connection
	}
	return err
}

// flushAndClose sends what is still buffered, acks above all, and closes.
func flushAndClose(conn *nats.Conn, log zerolog.Logger) {
	if conn.IsConnected() {
		if err := conn.FlushTimeout(time.Second); err != nil {
			log.Debug().Err(err).Msg("cannot flush NATS")
		}
	}
	conn.Close()
}
