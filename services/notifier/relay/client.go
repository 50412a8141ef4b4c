package relay

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rs/zerolog"
)

// Options configures a [Client].
type Options struct {
	// URL is that of the server: http://host:port, https:// for TLS. A path is that
	// of the Socket.IO server there; none means /socket.io/.
	URL string
	// Token is sent as auth.token when a connection is made. Empty: none.
	Token string
	// Settle is how long a server is left alone after a connection is made: it may
	// have been away, and its clients come back first. The reference client pauses
	// for up to 7.5 s, and gives up an attempt that hangs, as some of thousands do,
	// after 20 s. A server that acknowledges with false when nobody hears needs none.
	Settle time.Duration
	// Acks says that the server acknowledges each event: nothing else is proof, from
	// the first event on. Without it a connection learns so from an acknowledgement.
	Acks bool
	// Logger is told when the server comes and goes.
	Logger zerolog.Logger
}

// Errors of [Client.Emit].
var (
	// ErrUnavailable: there is no connection, or it ended before the server has
	// shown that it has the event, or it has not shown so yet. Emit it again.
	ErrUnavailable = errors.New("the Socket.IO server is away")
	// ErrNotAcknowledged: the event has arrived, but this server, which
	// acknowledges events, has not acknowledged it. Emit sends it anew.
	ErrNotAcknowledged = errors.New("the Socket.IO server has not acknowledged the event")
	// ErrNotHeard: the server says, by acknowledging with false, that nobody hears
	// the event now. Emit sends it anew.
	ErrNotHeard = errors.New("nobody hears the event at the Socket.IO server")
	// ErrTooLarge: the server would cut the connection over an event of this size.
	ErrTooLarge = errors.New("the event is larger than the Socket.IO server takes")
)

// Client is a client of a Socket.IO server. It is safe for concurrent use.
type Client struct {
	endpoint string // of the websocket
	opts     Options
	dialer   websocket.Dialer
	current  atomic.Pointer[conn] // nil: away; also while it is left alone
}

// New returns a client that is not connected: see [Client.Run].
func New(o Options) (*Client, error) {
	endpoint, err := endpointOf(o.URL)
	if err != nil {
		return nil, err
	}
	return &Client{endpoint: endpoint, opts: o, dialer: websocket.Dialer{HandshakeTimeout: openTimeout}}, nil
}

// endpointOf returns the URL of a server's websocket. Its error holds nothing of
// the URL: a password may stand there.
func endpointOf(server string) (string, error) {
	u, err := url.Parse(server)
	schemes := map[string]string{"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
	if err != nil || schemes[u.Scheme] == "" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("want http://host:port, or https:// for TLS")
	}
	u.Scheme = schemes[u.Scheme]
	if u.Path == "" || u.Path == "/" {
		u.Path = "/socket.io/"
	}
	u.RawQuery = url.Values{"EIO": {"4"}, "transport": {"websocket"}}.Encode()
	return u.String(), nil
}

const (
	// openTimeout bounds how long making a connection may take.
	openTimeout = 10 * time.Second
	// firstRetry and lastRetry bound the pause before a connection is tried again.
	firstRetry = 100 * time.Millisecond
	lastRetry  = 2 * time.Second
)

// Run keeps a connection to the server until ctx ends. It returns when the
// connection is closed.
func (c *Client) Run(ctx context.Context) {
	failures := 0 // since the last connection; those of a server that was away
	for ctx.Err() == nil {
		connection, err := c.open(ctx)
		if err != nil {
			if failures == 0 || failures%30 == 0 { // once a minute
				c.opts.Logger.Warn().Err(err).Msg("the Socket.IO server is away: trying until it is there")
			}
			failures++
			pause(ctx, retryAfter(failures))
			continue
		}
		c.opts.Logger.Info().Dur("settle", c.opts.Settle).Msg("connected to the Socket.IO server")
		err = c.use(ctx, connection)
		if ctx.Err() == nil {
			c.opts.Logger.Warn().Err(err).Msg("disconnected from the Socket.IO server")
		}
		failures = 1
	}
}

// Try makes a connection and closes it again: to see whether the server is there.
func (c *Client) Try(ctx context.Context) error {
	connection, err := c.open(ctx)
	if err != nil {
		return err
	}
	connection.end(nil)
	return nil
}

// use lets Emit use a connection until it ends, and returns why. At first it leaves
// the server alone, which may have been away: also on the first connection, for
// whoever has just started does not know.
func (c *Client) use(ctx context.Context, connection *conn) error {
	usable := time.AfterFunc(c.opts.Settle, func() { c.current.Store(connection) })
	err := connection.serve(ctx)
	usable.Stop()
	c.current.CompareAndSwap(connection, nil)
	return err
}

func retryAfter(failures int) time.Duration {
	d := min(lastRetry, firstRetry<<min(failures-1, 5))
	return d/2 + rand.N(d/2) //nolint:gosec // jitter needs no secrecy
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Emit sends an event and waits until the server has shown that it has it. The
// key names the event: a second Emit of the same key on the same connection waits
// for the first. It ends with ctx.
func (c *Client) Emit(ctx context.Context, key, name string, payload any) error {
	connection := c.current.Load()
	if connection == nil || connection.over() {
		return ErrUnavailable
	}
	err := connection.emit(ctx, key, name, payload)
	for _, known := range []error{nil, ErrNotAcknowledged, ErrNotHeard, ErrTooLarge} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// ConnectedFor returns how long Emit has been able to emit on the present
// connection; 0 when it is not.
func (c *Client) ConnectedFor() time.Duration {
	connection := c.current.Load()
	if connection == nil || connection.over() {
		return 0
	}
	return time.Since(connection.made) - c.opts.Settle
}

// Connected is a health check: it fails while Emit does.
func (c *Client) Connected(context.Context) error {
	if connection := c.current.Load(); connection == nil || connection.over() {
		return ErrUnavailable
	}
	return nil
}
