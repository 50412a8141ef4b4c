// Package chain runs five empty stages of three makes over JetStream, so that
// what each make costs can be seen without any effect:
//
//	bare       consume, append, ack with nats.go and nothing else: what the store allows
//	runner     five steps on pkg/saga with all that it guarantees
//	watermill  five handlers of a Watermill router
//
// All stages run in one process, each on a connection of its own.
package chain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
)

// The makes.
const (
	Bare      = "bare"
	Runner    = "runner"
	Watermill = "watermill"
)

// make starts the stages of one make, on connections that it gets from dial,
// and returns once they take messages. They run until ctx ends; wait waits for
// that, and returns what went wrong.
type starter func(ctx context.Context, dial Dialer) (Ends, error)

// Dialer opens a connection to NATS.
type Dialer func() (*nats.Conn, error)

// Ends are both ends of a running chain.
type Ends struct {
	Request func(saga string) *nats.Msg // makes the message that begins a saga
	Done    string                      // subject on which the last message of each saga is published
	Wait    func() error                // waits for the stages to end
}

func makes() map[string]starter {
	return map[string]starter{Bare: startBare, Runner: startRunner, Watermill: startWatermill}
}

// Start starts the chain of a make. The streams and consumers of Create User
// must be declared. It runs until ctx ends.
func Start(ctx context.Context, kind string, dial Dialer) (Ends, error) {
	start, ok := makes()[kind]
	if !ok {
		return Ends{}, fmt.Errorf("no chain %q: there are %s", kind, strings.Join(slices.Sorted(maps.Keys(makes())), ", "))
	}
	return start(ctx, dial)
}

// Stages are the steps that a saga goes through when all goes well.
func Stages() []event.Step { return event.Path()[:5] }

// request returns the request of a saga: some 400 bytes.
func request(saga string) event.Requested {
	return event.Requested{
		ID: "bench-" + saga, Token: strings.Repeat("t", 120), Code: "123456",
		Phone: "+4915112345678", Password: "correct-horse-battery", Username: "Bench " + saga,
		Image: event.Image{Inline: "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="},
	}
}

// sealed stands in for credentials: what it holds nobody opens.
func sealed(saga string) event.Sealed {
	return event.Sealed{KeyID: "bench", Key: make([]byte, 80), Saga: saga, Data: make([]byte, 80)}
}
