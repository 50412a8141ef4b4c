package rooms

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/engineio"
)

// client is the upper end of one Engine.IO session: it reads packets and has one
// socket at a time, from the client's connect to its disconnect.
type client struct {
	srv     *Server
	session *engineio.Session

	// awaited is an event whose attachments are still to come, and missing how many.
	// Used by Text and Binary alone, which never overlap.
	awaited packet
	missing int

	mu     sync.Mutex
	socket *socket // guarded by mu; nil before a connect and after a disconnect
	closed bool    // guarded by mu
}

// accept makes the receiver of a new session.
func (srv *Server) accept(session *engineio.Session) engineio.Receiver {
	session.ExpireAt(time.Now().Add(srv.opts.ConnectTimeout))
	return &client{srv: srv, session: session}
}

// Text implements [engineio.Receiver].
func (c *client) Text(message []byte) error {
	if c.missing > 0 {
		return errPacket
	}
	p, err := parse(string(message))
	if err != nil {
		return err
	}
	if p.attachments > 0 {
		c.awaited, c.missing = p, p.attachments
		return nil
	}
	return c.handle(p)
}

// Binary implements [engineio.Receiver]. Nothing that a client says needs its
// binary parts, so an event is handled without them.
func (c *client) Binary() error {
	if c.missing == 0 {
		return errPacket
	}
	c.missing--
	if c.missing > 0 {
		return nil
	}
	p := c.awaited
	c.awaited = packet{}
	return c.handle(p)
}

// Closed implements [engineio.Receiver].
func (c *client) Closed(reason engineio.Reason) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.leave(string(reason))
}

func (c *client) handle(p packet) error {
	if p.namespace != mainNamespace {
		if p.kind == kindConnect {
			c.session.Send(unknownNamespacePacket(p.namespace))
		}
		return nil
	}
	if p.kind == kindConnect {
		return c.connect(p)
	}
	s := c.current()
	if s == nil {
		return errPacket
	}
	switch p.kind {
	case kindEvent, kindBinaryEvent:
		return c.event(s, p)
	case kindDisconnect:
		c.leave("client disconnected")
		c.session.ExpireAt(time.Now().Add(c.srv.opts.ConnectTimeout))
	}
	return nil // acknowledgements are not asked for, so none means anything
}

func (c *client) event(s *socket, p packet) error {
	name, args, err := p.event()
	if err != nil {
		return err
	}
	if name == "joinRoom" {
		c.srv.joinRoom(s, args, p.ack)
	}
	return nil // events that mean nothing here are ignored, as the reference server does
}

// connect makes the client's socket. The client may not have one yet.
func (c *client) connect(p packet) error {
	token, err := p.token()
	if err != nil {
		return err
	}
	s := newSocket(c.srv.ctx, rand.Text(), token, c.session)
	c.mu.Lock()
	if c.socket != nil || c.closed {
		c.mu.Unlock()
		s.end()
		return errPacket
	}
	c.socket = s
	c.srv.registry.enter(s)
	c.mu.Unlock()
	c.session.ExpireAt(time.Time{})
	c.session.Send(connectedPacket(s.id))
	return nil
}

func (c *client) current() *socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.socket
}

// leave ends the client's socket, if it has one.
func (c *client) leave(reason string) {
	c.mu.Lock()
	s := c.socket
	c.socket = nil
	c.mu.Unlock()
	if s == nil || !c.srv.registry.leave(s) {
		return
	}
	s.end()
	level := zerolog.DebugLevel
	if reason == string(engineio.TooSlow) {
		level = zerolog.WarnLevel
	}
	c.srv.log.WithLevel(level).Str("client", s.id).Str("reason", reason).Msg("client left")
}
