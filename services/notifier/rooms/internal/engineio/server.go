package engineio

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

// errClosing and errFull refuse a new session.
var (
	errClosing = errors.New("the server is closing")
	errFull    = errors.New("too many sessions")
)

// Server is an [http.Handler] that serves Engine.IO sessions, at whatever path
// it is mounted. It must be closed.
type Server struct {
	opts     Options
	upgrader websocket.Upgrader
	stop     chan struct{} // closed to end the heartbeat
	ended    chan struct{} // closed when Close has done its work

	// tasks counts the heartbeat, the requests that become websockets, and the
	// goroutines that read and write these. It grows only under mu while closing is
	// false, by one of the tasks, and under the mutex of a session that is open, for
	// which the heartbeat stays. So Close can wait for it.
	tasks sync.WaitGroup

	mu       sync.Mutex
	sessions map[string]*Session // guarded by mu; by session id, which is a secret of its client
	closing  bool                // guarded by mu
	idle     chan struct{}       // closed, under mu, once closing and without sessions
}

// New starts a server.
func New(opts Options) (*Server, error) {
	if opts.Open == nil {
		return nil, errors.New("engineio: Open is missing")
	}
	if err := opts.validate(); err != nil {
		return nil, fmt.Errorf("engineio: %w", err)
	}
	srv := &Server{
		opts:     opts.withDefaults(),
		stop:     make(chan struct{}),
		ended:    make(chan struct{}),
		idle:     make(chan struct{}),
		sessions: make(map[string]*Session),
	}
	// The origin is judged before any transport is chosen, see allowOrigin.
	srv.upgrader.CheckOrigin = func(*http.Request) bool { return true }
	srv.upgrader.HandshakeTimeout = srv.opts.IOTimeout
	srv.upgrader.WriteBufferSize = writeBuffer // and no ReadBufferSize, so that it takes the hijacker's
	srv.upgrader.WriteBufferPool = new(sync.Pool)
	srv.tasks.Go(srv.heartbeat)
	return srv, nil
}

// Sessions counts the sessions that are open.
func (srv *Server) Sessions() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.sessions)
}

// Close refuses new sessions, lets each open session deliver what is queued for
// it, and ends it in a way after which clients connect again. When ctx ends
// first, the rest is cut off and its error is returned. Either way, every
// goroutine of the server has ended when Close returns; a second call waits for
// the first.
func (srv *Server) Close(ctx context.Context) error {
	if !srv.beginClosing() {
		<-srv.ended
		return nil
	}
	defer close(srv.ended)
	for _, s := range srv.list(nil) {
		s.drain()
	}
	var err error
	select {
	case <-srv.idle:
	case <-ctx.Done():
		err = fmt.Errorf("engineio: sessions were cut off: %w", context.Cause(ctx))
	}
	for _, s := range srv.list(nil) {
		s.close(ServerClosed)
	}
	<-srv.idle // a session that a request is closing right now may still be told of
	close(srv.stop)
	srv.tasks.Wait()
	return err
}

func (srv *Server) beginClosing() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.closing {
		return false
	}
	srv.closing = true
	if len(srv.sessions) == 0 {
		close(srv.idle)
	}
	return true
}

// begin counts a task, which the caller ends with tasks.Done.
func (srv *Server) begin() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if !srv.closing {
		srv.tasks.Add(1)
	}
	return !srv.closing
}

// room reports why no session can begin now, before work is spent on it.
func (srv *Server) room() error {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.roomLocked()
}

func (srv *Server) roomLocked() error {
	if srv.closing {
		return errClosing
	}
	if len(srv.sessions) >= srv.opts.MaxSessions {
		return errFull
	}
	return nil
}

// open begins a session, on conn or, when that is nil, on polling.
func (srv *Server) open(conn *websocket.Conn) (*Session, error) {
	s := newSession(srv, rand.Text(), conn)
	upgrades := []string{}
	if conn == nil {
		upgrades = append(upgrades, transportWebsocket)
	}
	first, err := openPacket(s.id, upgrades, srv.opts)
	if err != nil {
		return nil, err
	}
	s.queue = append(s.queue, first)

	srv.mu.Lock()
	defer srv.mu.Unlock()
	if err := srv.roomLocked(); err != nil {
		return nil, err
	}
	s.receiver = srv.opts.Open(s)
	srv.sessions[s.id] = s
	return s, nil
}

func (srv *Server) find(id string) *Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return srv.sessions[id]
}

func (srv *Server) remove(s *Session) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s.id)
	if srv.closing && len(srv.sessions) == 0 {
		select {
		case <-srv.idle:
		default:
			close(srv.idle)
		}
	}
}

// list appends every open session to into.
func (srv *Server) list(into []*Session) []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for _, s := range srv.sessions {
		into = append(into, s)
	}
	return into
}
