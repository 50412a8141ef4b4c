package engineio

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// poll answers a GET with what is queued, as soon as there is something.
func (s *Session) poll(w http.ResponseWriter, r *http.Request) {
	if !s.beginPoll() {
		refuse(w, http.StatusBadRequest, badRequest)
		return
	}
	rc := http.NewResponseController(w)
	// A poll may wait longer than the HTTP server allows a request to take. Where a
	// deadline cannot be set, the HTTP server's own hold.
	_ = rc.SetReadDeadline(time.Time{})
	_ = rc.SetWriteDeadline(time.Time{})
	for {
		packets, last := s.pollAnswer()
		if packets != nil {
			s.answerPoll(w, rc, packets, last)
			return
		}
		select {
		case <-s.wake:
		case <-r.Context().Done():
			s.abandonPoll()
			return
		}
	}
}

// beginPoll lets one poll wait. A second one at once, or one after the move to a
// websocket, is not the protocol; the second one ends the session.
func (s *Session) beginPoll() bool {
	s.mu.Lock()
	overlap := s.polling
	begun := !overlap && s.conn == nil && !s.closed
	if begun {
		s.polling = true
	}
	s.mu.Unlock()
	if overlap {
		s.close(BadProtocol)
	}
	return begun
}

// pollAnswer takes what the waiting poll is to be answered with: nothing means to
// wait on. The poll counts as over before it is written, since a fast client asks
// again before the writing function has returned.
func (s *Session) pollAnswer() (packets []Packet, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed && s.reason == ClientClosed:
		packets = []Packet{Packet(noopPacket)}
	case s.closed:
		packets = []Packet{Packet(closePacket)}
	case s.conn != nil:
		packets = []Packet{Packet(noopPacket)}
	case len(s.queue) > 0:
		// No close packet beside them when draining: npm's client acts on that first.
		// Its next poll finds no session, from which it concludes the same.
		packets, s.queue, last = s.queue, nil, s.draining
	case s.draining:
		packets, last = []Packet{Packet(closePacket)}, true
	case s.upgrading:
		packets = []Packet{Packet(noopPacket)}
	}
	s.polling = packets == nil
	return packets, last
}

func (s *Session) answerPoll(w http.ResponseWriter, rc *http.ResponseController, packets []Packet, last bool) {
	body := join(packets)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	_ = rc.SetWriteDeadline(time.Now().Add(s.srv.opts.IOTimeout))
	_, err := w.Write(body)
	if err == nil {
		err = rc.Flush()
	}
	switch {
	case err != nil && !errors.Is(err, http.ErrNotSupported):
		s.close(TransportLost) // what was taken is lost: the client must begin anew
	case last:
		s.close(ServerClosed)
	}
}

// abandonPoll is called when the client gave up its poll: the protocol has no
// other meaning for it than that the client has gone.
func (s *Session) abandonPoll() {
	s.mu.Lock()
	s.polling = false
	moved := s.conn != nil
	s.mu.Unlock()
	if !moved {
		s.close(TransportLost)
	}
}

// post receives the packets of a POST.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	if !s.beginPost() {
		refuse(w, http.StatusBadRequest, badRequest)
		return
	}
	defer s.endPost()
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(s.srv.opts.IOTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.srv.opts.MaxPayload)))
	_ = rc.SetReadDeadline(time.Time{})
	if err != nil {
		s.close(BadProtocol)
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			refuse(w, http.StatusRequestEntityTooLarge, badRequest)
		} else {
			refuse(w, http.StatusBadRequest, badRequest)
		}
		return
	}
	for packet := range bytes.SplitSeq(body, []byte{separator}) {
		if err := s.receive(packet); err != nil {
			s.end(err)
			if !errors.Is(err, errClientClosed) {
				refuse(w, http.StatusBadRequest, badRequest)
				return
			}
			break
		}
	}
	w.Header().Set("Content-Type", "text/html") // as the reference server: some old browsers offer text/plain as a download
	_, _ = io.WriteString(w, "ok")
}

// beginPost lets one POST be read. The rules of beginPoll hold.
func (s *Session) beginPost() bool {
	s.mu.Lock()
	overlap := s.posting
	begun := !overlap && s.conn == nil && !s.closed
	if begun {
		s.posting = true
	}
	s.mu.Unlock()
	if overlap {
		s.close(BadProtocol)
	}
	return begun
}

func (s *Session) endPost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posting = false
}
