package rooms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// Message is what a client hears as Profile_Response.
type Message struct {
	Message string // the sentence for the user
	Status  bool   // whether the user was created
	Code    string // the outcome's code, for programs
	Saga    string // tells repeats apart; a message without is never taken for a repeat
}

// Options configures a [Server]. A zero number or duration means its default.
type Options struct {
	// Authorize reports by an error that the bearer of token may not hear what
	// happens to user id. The token is "" when the client sent none, or one that is
	// no string or too long. The error is logged, so it must not hold the token. One
	// that wraps ErrUnavailable says that nobody can tell at present: the client
	// waits, and Authorize is asked again. When Authorize is nil, every room is open
	// to everyone.
	Authorize func(ctx context.Context, token, id string) error

	// Last returns the outcome for a client that joins after it was emitted; false
	// when there is none. It must see every message that Emit was called with
	// before. It is tried a few times, and for as long as the client stays while its
	// error wraps ErrUnavailable. When Last is nil, nothing is replayed.
	Last func(ctx context.Context, id string) (Message, bool, error)

	// Logger is told of what operators may need to know, never of a token, a room
	// or what a client sent.
	Logger zerolog.Logger

	// Origins are the web origins ("https://example.com") whose pages may connect,
	// or "*" for all. When empty, only pages of the notifier's own host may.
	Origins []string

	MaxClients int // connections at once; further ones are refused with 503; default 20,000
	MaxPayload int // bytes that a client may send at once; default 32 KiB
	MaxRooms   int // rooms of one client; default 8
	MaxRoom    int // bytes of a room's name; default 512
	Queue      int // messages that wait for one client; default 128
	Lookups    int // joins for which Last is called at once; default 64

	CallTimeout    time.Duration // for one call of Authorize or Last; default 5 s
	Retry          time.Duration // before Last is tried again, doubled each time; default 200 ms
	ConnectTimeout time.Duration // for a connection to become a Socket.IO client; default 45 s
	PingInterval   time.Duration // between a client's answer and the next ping; default 25 s
	PingTimeout    time.Duration // for that answer; default 20 s
}

// ErrUnavailable is wrapped by errors of Authorize and Last that say that nobody can tell.
var ErrUnavailable = errors.New("cannot tell at present")

// tries is how often Last is called before a replay is given up that fails for
// another reason than ErrUnavailable: with the default pause, over three seconds.
const tries = 5

// maxToken bounds the token of a client, in bytes.
const maxToken = 8 << 10

func (o Options) withDefaults() Options {
	o.MaxRooms = or(o.MaxRooms, 8)
	o.MaxRoom = or(o.MaxRoom, 512)
	o.Lookups = or(o.Lookups, 64)
	o.CallTimeout = or(o.CallTimeout, 5*time.Second)
	o.Retry = or(o.Retry, 200*time.Millisecond)
	o.ConnectTimeout = or(o.ConnectTimeout, 45*time.Second)
	return o
}

func or[T int | time.Duration](given, otherwise T) T {
	if given == 0 {
		return otherwise
	}
	return given
}

// validate checks what engineio does not.
func (o Options) validate() error {
	for name, n := range map[string]int64{
		"MaxRooms": int64(o.MaxRooms), "MaxRoom": int64(o.MaxRoom), "Lookups": int64(o.Lookups),
		"CallTimeout": int64(o.CallTimeout), "Retry": int64(o.Retry), "ConnectTimeout": int64(o.ConnectTimeout),
	} {
		if n < 0 {
			return fmt.Errorf("%s must not be negative", name)
		}
	}
	return nil
}

func (o Options) engine(open func(*engineio.Session) engineio.Receiver) engineio.Options {
	return engineio.Options{
		Open:         open,
		Panicked:     func(err error) { o.Logger.Error().Err(err).Msg("a client's session has ended") },
		Origins:      o.Origins,
		MaxPayload:   o.MaxPayload,
		MaxSessions:  o.MaxClients,
		Queue:        o.Queue,
		PingInterval: o.PingInterval,
		PingTimeout:  o.PingTimeout,
	}
}
