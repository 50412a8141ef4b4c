package engineio

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// farewell bounds how long a closing server waits for a client to hang up.
const farewell = 2 * time.Second

// readBuffer is the size in bytes of a websocket's buffer for reading, and
// writeBuffer that of those for writing, which are shared. What clients say is
// short. A message that is longer takes more reads, and no more writes.
const (
	readBuffer  = 512
	writeBuffer = 1 << 10
)

// serveWebsocket makes a request a websocket, and has a goroutine serve that until
// it ends. So what net/http keeps of a request, its buffers above all, goes as the
// request does: it is more than what a session needs.
func (srv *Server) serveWebsocket(w http.ResponseWriter, r *http.Request, start func(*websocket.Conn) (*Session, error)) {
	if !srv.begin() {
		unavailable(w, errClosing)
		return
	}
	defer srv.tasks.Done()
	if !websocket.IsWebSocketUpgrade(r) {
		refuse(w, http.StatusBadRequest, badRequest)
		return
	}
	conn, err := srv.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the client has been answered
	}
	srv.tasks.Go(func() { srv.serve(conn, start) }) // before Done: Close waits for it, too
}

// serve has start find the session that a websocket is for, and serves it until it
// ends. A panic ends the session alone, as net/http has it.
func (srv *Server) serve(conn *websocket.Conn, start func(*websocket.Conn) (*Session, error)) {
	defer func() {
		closeQuietly(conn.NetConn())
		if p := recover(); p != nil {
			srv.opts.Panicked(fmt.Errorf("a websocket's session: panic of type %T\n%s", p, debug.Stack()))
		}
	}()
	conn.SetReadLimit(int64(srv.opts.MaxPayload))
	s, err := start(conn)
	if err != nil {
		return // a client that breaks the protocol, or comes when we are full, is cut off
	}
	s.run(conn)
}

// run reads and writes a session's websocket until the session ends.
func (s *Session) run(conn *websocket.Conn) {
	var writer sync.WaitGroup
	writer.Go(func() { s.write(conn) })
	defer writer.Wait()
	defer s.close(TransportLost) // for a panic: whoever ended the session before had the better reason
	s.read(conn)
}

func (s *Session) read(conn *websocket.Conn) {
	for {
		kind, packet, err := conn.ReadMessage()
		if err != nil {
			s.close(s.lost(err))
			return
		}
		if kind == websocket.BinaryMessage {
			err = s.receiveBinary()
		} else {
			err = s.receive(packet)
		}
		if err != nil {
			s.end(err)
			return
		}
	}
}

// lost is the reason behind an error of reading.
func (s *Session) lost(err error) Reason {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ServerClosed
	case errors.Is(err, websocket.ErrReadLimit):
		return BadProtocol
	case websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived):
		return ClientClosed
	default:
		return TransportLost
	}
}

// write is the only writer of messages to conn. It ends with the session, or
// with the last packet of a session that is draining.
func (s *Session) write(conn *websocket.Conn) {
	for {
		packets, last := s.take()
		for _, p := range packets {
			_ = conn.SetWriteDeadline(time.Now().Add(s.srv.opts.IOTimeout)) // cannot fail: it is only noted
			if err := conn.WriteMessage(websocket.TextMessage, p); err != nil {
				s.close(TransportLost)
				return
			}
		}
		if last {
			s.hangUp(conn)
			return
		}
		select {
		case <-s.wake:
		case <-s.done:
			return
		}
	}
}

// hangUp begins the closing handshake; the reader ends with it. To close without
// it could make the client's machine discard what the client has not read yet.
func (s *Session) hangUp(conn *websocket.Conn) {
	by := time.Now().Add(farewell)
	goodbye := websocket.FormatCloseMessage(websocket.CloseGoingAway, string(ServerClosed))
	if conn.WriteControl(websocket.CloseMessage, goodbye, by) != nil || conn.SetReadDeadline(by) != nil {
		s.close(ServerClosed)
	}
}

// upgrade moves a session that polls to conn: the client asks whether the
// websocket works, ends its polling, and says that it has moved. If it does not
// come to that, the session goes on polling.
func (s *Session) upgrade(conn *websocket.Conn) (*Session, error) {
	if !s.nominate(conn) {
		return nil, errProtocol
	}
	err := s.probe(conn)
	if !s.settle(err == nil) {
		return nil, errors.Join(errProtocol, err)
	}
	return s, nil
}

func (s *Session) nominate(conn *websocket.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.conn != nil || s.candidate != nil {
		return false
	}
	s.candidate = conn
	return true
}

func (s *Session) probe(conn *websocket.Conn) error {
	by := time.Now().Add(s.srv.opts.UpgradeTimeout)
	if err := conn.SetReadDeadline(by); err != nil {
		return err
	}
	if err := expect(conn, probePing); err != nil {
		return err
	}
	s.releasePolls()
	_ = conn.SetWriteDeadline(by) // cannot fail: it is only noted
	if err := conn.WriteMessage(websocket.TextMessage, []byte(probePong)); err != nil {
		return err
	}
	if err := expect(conn, upgradePacket); err != nil {
		return err
	}
	return conn.SetReadDeadline(time.Time{})
}

// releasePolls has every poll end at once: the client moves only when none waits.
func (s *Session) releasePolls() {
	s.mu.Lock()
	s.upgrading = true
	s.mu.Unlock()
	s.signal()
}

// settle ends an upgrade and reports whether the session has moved.
func (s *Session) settle(moved bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if moved && !s.closed {
		s.conn = s.candidate
	}
	s.candidate = nil
	s.upgrading = false
	return s.conn != nil && !s.closed
}

func expect(conn *websocket.Conn, packet string) error {
	kind, got, err := conn.ReadMessage()
	if err != nil {
		return err
	}
	if kind != websocket.TextMessage || string(got) != packet {
		return errProtocol
	}
	return nil
}
