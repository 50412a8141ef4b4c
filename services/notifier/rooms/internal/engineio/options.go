package engineio

import (
	"fmt"
	"net/url"
	"time"
)

// Receiver is the upper end of one session.
type Receiver interface {
	// Text is given one message. It must not block, nor keep the slice; an error
	// ends the session. Calls for one session never overlap.
	Text(message []byte) error
	// Binary is told that a binary message came; its content is dropped. The rules
	// of Text hold.
	Binary() error
	// Closed is called once, when the session has ended for whatever reason. It
	// may overlap with a last call of Text or Binary, and must not block.
	Closed(reason Reason)
}

// Reason is why a session ended.
type Reason string

// Every reason.
const (
	ClientClosed  Reason = "client closed"     // by the client, in order
	TransportLost Reason = "transport lost"    // the connection broke, or a write did not end in time
	PingTimeout   Reason = "ping timeout"      // the client did not answer a ping
	BadProtocol   Reason = "protocol error"    // the client does not follow the protocol
	TooSlow       Reason = "queue full"        // the client does not read what is sent to it
	Expired       Reason = "session expired"   // [Session.ExpireAt] passed
	ServerClosed  Reason = "server is closing" // by [Server.Close]
)

// Options configures a [Server]. A zero number or duration means its default.
type Options struct {
	// Open makes the receiver of a new session. The session may be sent to at
	// once. Required; it must not block.
	Open func(*Session) Receiver

	// Origins are the web origins ("https://example.com") whose pages may connect,
	// or "*" for all. When empty, only pages of the host that is asked may. A
	// request without an Origin header comes from no page and is always served.
	Origins []string

	// Panicked is told of a panic, which ends the session of a websocket and nothing
	// else. The error has its place, not its text. Nil: nobody needs to know.
	Panicked func(error)

	MaxPayload  int // bytes of one message, and of one POST; default 32 KiB
	MaxSessions int // sessions at once; default 20,000
	Queue       int // packets that wait for one client; default 128

	PingInterval   time.Duration // pause between a pong and the next ping; default 25 s
	PingTimeout    time.Duration // a ping unanswered this long ends the session; default 20 s
	UpgradeTimeout time.Duration // for the whole move to a websocket; default 10 s
	IOTimeout      time.Duration // for one write, for reading one POST, and for a closing handshake; default 10 s
}

func (o Options) withDefaults() Options {
	if o.Panicked == nil {
		o.Panicked = func(error) {}
	}
	o.MaxPayload = or(o.MaxPayload, 32<<10)
	o.MaxSessions = or(o.MaxSessions, 20_000)
	o.Queue = or(o.Queue, 128)
	o.PingInterval = or(o.PingInterval, 25*time.Second)
	o.PingTimeout = or(o.PingTimeout, 20*time.Second)
	o.UpgradeTimeout = or(o.UpgradeTimeout, 10*time.Second)
	o.IOTimeout = or(o.IOTimeout, 10*time.Second)
	return o
}

func or[T int | time.Duration](given, otherwise T) T {
	if given == 0 {
		return otherwise
	}
	return given
}

func (o Options) validate() error {
	for name, n := range map[string]int64{
		"MaxPayload": int64(o.MaxPayload), "MaxSessions": int64(o.MaxSessions), "Queue": int64(o.Queue),
		"PingInterval": int64(o.PingInterval), "PingTimeout": int64(o.PingTimeout),
		"UpgradeTimeout": int64(o.UpgradeTimeout), "IOTimeout": int64(o.IOTimeout),
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", name)
		}
	}
	for _, origin := range o.Origins {
		if err := checkOrigin(origin); err != nil {
			return err
		}
	}
	return nil
}

// checkOrigin refuses what no browser sends as an origin, since it would never match.
func checkOrigin(origin string) error {
	if origin == "*" {
		return nil
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Host == "" || origin != u.Scheme+"://"+u.Host {
		return fmt.Errorf(`origin %q must be "*" or like "https://example.com", without a path`, origin)
	}
	return nil
}
