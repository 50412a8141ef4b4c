package engineio

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"
)

// errProtocol is what a client did that the protocol does not allow. It names
// nothing of what the client sent.
var errProtocol = errors.New("the packet is not valid")

// errClientClosed is the client's wish to end the session.
var errClientClosed = errors.New("the client closed the session")

// Session is one client, whichever transport it uses.
type Session struct {
	srv      *Server
	id       string
	receiver Receiver
	wake     chan struct{} // holds one token when a poll may have an answer; nil if the session began on a websocket

	receiving sync.Mutex // held while the receiver is given a message

	// mu guards what follows. The server's mutex may not be taken under it, nor
	// the receiver called.
	mu        sync.Mutex
	queue     []Packet        // waits to be written; never longer than Options.Queue
	conn      *websocket.Conn // nil while on polling
	candidate *websocket.Conn // a websocket that may become conn
	upgrading bool            // the candidate was answered: polls must end
	polling   bool            // a poll is waiting
	posting   bool            // a POST is being read
	writing   bool            // a goroutine writes to conn
	draining  bool            // close when the queue is empty
	closed    bool
	reason    Reason    // why it closed
	expireAt  time.Time // zero: never
	pingAt    time.Time // the next ping; zero while one is unanswered
	pongBy    time.Time // the answer to a ping is due; zero while none is
}

func newSession(srv *Server, id string, conn *websocket.Conn) *Session {
	s := &Session{srv: srv, id: id, conn: conn, pingAt: time.Now().Add(srv.opts.PingInterval)}
	if conn == nil {
		s.wake = make(chan struct{}, 1)
	}
	return s
}

// Send queues a packet and reports whether the session took it. It never blocks:
// a session whose client has let the queue fill up is closed.
func (s *Session) Send(p Packet) bool {
	s.mu.Lock()
	if s.closed || s.draining {
		s.mu.Unlock()
		return false
	}
	if len(s.queue) >= s.srv.opts.Queue {
		s.mu.Unlock()
		s.close(TooSlow)
		return false
	}
	s.queue = append(s.queue, p)
	s.signal()
	s.mu.Unlock()
	return true
}

// ExpireAt has the session closed at t, unless it is called again before; the
// zero time means never.
func (s *Session) ExpireAt(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expireAt = t
}

// signal has what is queued written: by a goroutine that ends when the queue is
// empty, or by the poll that waits. It is called with mu held.
func (s *Session) signal() {
	if s.conn == nil {
		s.wakePoll()
		return
	}
	if !s.writing && !s.closed {
		s.writing = true
		conn := s.conn
		s.srv.tasks.Go(func() { s.write(conn) })
	}
}

func (s *Session) wakePoll() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// drain has the session close as soon as its queue is written.
func (s *Session) drain() {
	s.mu.Lock()
	s.draining = true
	// A client between two polls with nothing to hear learns from its next poll
	// that the session is gone.
	finished := s.conn == nil && !s.polling && len(s.queue) == 0
	if !finished {
		s.signal()
	}
	s.mu.Unlock()
	if finished {
		s.close(ServerClosed)
	}
}

// close ends the session at once. Every call but the first does nothing.
func (s *Session) close(reason Reason) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.reason = reason
	s.queue = nil
	conn, candidate := s.conn, s.candidate
	s.wakePoll()
	s.mu.Unlock()

	defer s.srv.remove(s) // last, whatever the receiver does: Close returns once the last session is removed
	abort(conn)
	abort(candidate)
	s.receiver.Closed(reason)
}

// abort ends a connection without a word, so that it cannot block: closing a TLS
// connection in order would write to a client that may not read.
func abort(conn *websocket.Conn) {
	if conn == nil {
		return
	}
	inner := conn.NetConn()
	if t, ok := inner.(*tls.Conn); ok {
		inner = t.NetConn()
	}
	closeQuietly(inner)
}

// closeQuietly closes a connection whose fate is settled: an error would tell nothing.
func closeQuietly(c net.Conn) { _ = c.Close() }

// take empties the queue for the websocket's writer. Without packets the writer
// has to end: when the queue is filled again, another one begins. last says that
// nothing will follow.
func (s *Session) take() (packets []Packet, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	packets, s.queue = s.queue, nil
	last = s.draining || s.closed
	s.writing = len(packets) > 0 || last
	return packets, last
}

// beat sends a ping when it is time and closes the session when an answer, or
// something the upper protocol awaits, is overdue.
func (s *Session) beat(now time.Time) {
	s.mu.Lock()
	late := !s.pongBy.IsZero() && now.After(s.pongBy)
	expired := !s.expireAt.IsZero() && now.After(s.expireAt)
	ping := !s.pingAt.IsZero() && now.After(s.pingAt)
	if ping {
		s.pingAt = time.Time{}
		s.pongBy = now.Add(s.srv.opts.PingTimeout)
	}
	s.mu.Unlock()
	switch {
	case late:
		s.close(PingTimeout)
	case expired:
		s.close(Expired)
	case ping:
		s.Send(Packet(pingPacket))
	}
}

func (s *Session) pong() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.pongBy.IsZero() {
		s.pongBy = time.Time{}
		s.pingAt = time.Now().Add(s.srv.opts.PingInterval)
	}
}

// receive handles one text packet of the client.
func (s *Session) receive(packet []byte) error {
	if len(packet) == 0 || !utf8.Valid(packet) {
		return errProtocol
	}
	switch packet[0] {
	case typeMessage:
		s.receiving.Lock()
		defer s.receiving.Unlock()
		return s.receiver.Text(packet[1:])
	case typePong:
		s.pong()
		return nil
	case typeClose:
		return errClientClosed
	case typeBinary:
		return s.receiveBinary()
	default:
		return errProtocol
	}
}

func (s *Session) receiveBinary() error {
	s.receiving.Lock()
	defer s.receiving.Unlock()
	return s.receiver.Binary()
}

// end closes the session for an error of receive.
func (s *Session) end(err error) {
	if errors.Is(err, errClientClosed) {
		s.close(ClientClosed)
	} else {
		s.close(BadProtocol)
	}
}
