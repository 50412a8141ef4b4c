package rooms

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// Server serves Socket.IO clients and their rooms. It must be closed.
type Server struct {
	opts     Options
	log      zerolog.Logger
	engine   *engineio.Server
	registry registry
	replays  replays

	ctx  context.Context // ends when the server begins to close; parent of every join's
	stop context.CancelFunc

	// joins counts the goroutines that serve a joinRoom. It grows only under mu
	// while closing is false, so that Close can wait for it.
	joins   sync.WaitGroup
	mu      sync.Mutex
	closing bool // guarded by mu
}

// New starts a server. It keeps a goroutine until it is closed.
func New(opts Options) (*Server, error) {
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("rooms: %w", err)
	}
	opts = opts.withDefaults()
	srv := &Server{
		opts:     opts,
		log:      opts.Logger,
		registry: newRegistry(opts.MaxRooms),
	}
	srv.replays = replays{limit: opts.Lookups, tell: srv.replay}
	srv.ctx, srv.stop = context.WithCancel(context.Background())
	engine, err := engineio.New(opts.engine(srv.accept))
	if err != nil {
		srv.stop()
		return nil, fmt.Errorf("rooms: %w", err)
	}
	srv.engine = engine
	return srv, nil
}

// Handler serves the clients; it belongs at the path /socket.io/.
func (srv *Server) Handler() http.Handler { return srv.engine }

// Clients counts the Socket.IO clients that are connected.
func (srv *Server) Clients() int { return srv.registry.clients() }

// Emit sends m to every client in the room of user id and returns how many have
// now been sent it, or had been before. It never blocks; a client whose queue is
// full is disconnected instead.
func (srv *Server) Emit(id string, m Message) (heard int) {
	members := srv.registry.members(id)
	if len(members) == 0 {
		return 0
	}
	packet := profileResponse(m)
	for _, s := range members {
		if s.hear(m.Saga, packet) {
			heard++
		}
	}
	return heard
}

// Close refuses new clients and joins, delivers what was emitted before, and
// disconnects every client in a way after which it connects again, to whichever
// server it then finds. The HTTP server must still serve meanwhile, since clients
// that poll fetch what is left for them: shut it down afterwards. When ctx ends
// first, the rest is cut off and its error is returned. No goroutine of the server
// is left when Close returns, provided that Authorize and Last heed their context.
func (srv *Server) Close(ctx context.Context) error {
	srv.mu.Lock()
	srv.closing = true
	srv.mu.Unlock()
	srv.stop()
	srv.joins.Wait()
	if err := srv.engine.Close(ctx); err != nil {
		return fmt.Errorf("close rooms: %w", err)
	}
	return nil
}

// begin counts a join, which is ended with joins.Done.
func (srv *Server) begin() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !srv.closing {
		srv.joins.Add(1)
	}
	return !srv.closing
}
