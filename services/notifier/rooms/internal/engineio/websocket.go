package engineio

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
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

// serveWebsocket makes a request a websocket, and has a goroutine serve that. So
// what net/http keeps of a request, its buffers above all, goes as the request does:
// it is more than what a session needs.
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
	h := &hijacker{ResponseWriter: w}
	conn, err := srv.upgrader.Upgrade(h, r, nil)
	if err != nil {
		return // the client has been answered
	}
	srv.tasks.Go(func() { srv.serve(conn, h.input, start) }) // before Done: Close waits for it, too
}

// hijacker has a websocket read through a buffer that is small, and known to us.
type hijacker struct {
	http.ResponseWriter
	input *bufio.Reader
}

// Hijack implements [http.Hijacker].
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil || rw.Reader.Buffered() > 0 { // the upgrader refuses a client that speaks too early
		return conn, rw, err
	}
	h.input = bufio.NewReaderSize(conn, readBuffer)
	return conn, bufio.NewReadWriter(h.input, rw.Writer), nil
}

// serve has start find the session that a websocket is for, and lets it be read
// and written.
func (srv *Server) serve(conn *websocket.Conn, input *bufio.Reader, start func(*websocket.Conn) (*Session, error)) {
	defer srv.guard(func() { closeQuietly(conn.NetConn()) })
	conn.SetReadLimit(int64(srv.opts.MaxPayload))
	s, err := start(conn)
	if err != nil {
		closeQuietly(conn.NetConn()) // a client that breaks the protocol, or comes when we are full, is cut off
		return
	}
	srv.tasks.Go(func() { s.read(conn, input) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signal() // what was queued before there was a websocket
}

// guard is deferred by every goroutine that serves a websocket. A panic calls end, and
// so ends the session alone, as net/http has it.
func (srv *Server) guard(end func()) {
	if p := recover(); p != nil {
		stack := debug.Stack()
		defer func() { _ = recover() }() // end may panic as well
		defer end()
		srv.opts.Panicked(fmt.Errorf("a websocket's session: panic of type %T\n%s", p, stack))
	}
}

// read waits for one message and handles it, and leaves the next one to another
// goroutine. A session waits most of its time, and so does it with the smallest of
// stacks, which it takes a fresh goroutine and few calls to have: whatever is done
// with a message makes a stack grow, and one that waits would keep it.
func (s *Session) read(conn *websocket.Conn, input *bufio.Reader) {
	defer s.srv.guard(func() { s.close(TransportLost) })
	_, _ = input.Peek(1) // an error comes again from what follows
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
	s.srv.tasks.Go(func() { s.read(conn, input) })
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

// write is the only writer of messages to conn. It ends when the queue is empty.
func (s *Session) write(conn *websocket.Conn) {
	defer s.srv.guard(func() { s.close(TransportLost) })
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
		if len(packets) == 0 {
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
	defer s.mu.Unlock()
	s.upgrading = true
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
