package engineio

import (
	"errors"
	"fmt"
	"net/http"
)

const (
	transportPolling   = "polling"
	transportWebsocket = "websocket"
)

// refusal is an error of the protocol's handshake, by the number that clients know.
type refusal int

// Every refusal.
const (
	unknownTransport refusal = iota
	unknownSession
	badMethod
	badRequest
	forbidden
	badVersion
)

// String words a refusal as the reference server does.
func (r refusal) String() string {
	return [...]string{
		unknownTransport: "Transport unknown",
		unknownSession:   "Session ID unknown",
		badMethod:        "Bad handshake method",
		badRequest:       "Bad request",
		forbidden:        "Forbidden",
		badVersion:       "Unsupported protocol version",
	}[r]
}

// ServeHTTP serves one request of either transport.
func (srv *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !srv.allowOrigin(w.Header(), r) {
		refuse(w, http.StatusForbidden, forbidden)
		return
	}
	if r.Method == http.MethodOptions {
		preflight(w, r)
		return
	}
	query := r.URL.Query()
	transport, id := query.Get("transport"), query.Get("sid")
	switch {
	case transport != transportPolling && transport != transportWebsocket:
		refuse(w, http.StatusBadRequest, unknownTransport)
	case query.Get("EIO") != "4":
		refuse(w, http.StatusBadRequest, badVersion)
	case id == "":
		srv.begins(w, r, transport)
	default:
		srv.continues(w, r, transport, id)
	}
}

// begins serves the first request of a session.
func (srv *Server) begins(w http.ResponseWriter, r *http.Request, transport string) {
	if r.Method != http.MethodGet {
		refuse(w, http.StatusBadRequest, badMethod)
		return
	}
	if err := srv.room(); err != nil {
		unavailable(w, err)
		return
	}
	if transport == transportWebsocket {
		srv.serveWebsocket(w, r, srv.open)
		return
	}
	s, err := srv.open(nil)
	if err != nil {
		unavailable(w, err)
		return
	}
	s.poll(w, r)
}

// continues serves a later request of a session.
func (srv *Server) continues(w http.ResponseWriter, r *http.Request, transport, id string) {
	s := srv.find(id)
	switch {
	case s == nil:
		refuse(w, http.StatusBadRequest, unknownSession)
	case transport == transportWebsocket:
		srv.serveWebsocket(w, r, s.upgrade)
	case r.Method == http.MethodGet:
		s.poll(w, r)
	case r.Method == http.MethodPost:
		s.post(w, r)
	default:
		refuse(w, http.StatusBadRequest, badRequest)
	}
}

func refuse(w http.ResponseWriter, status int, why refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// A client that has gone cannot be told.
	_, _ = fmt.Fprintf(w, `{"code":%d,"message":%q}`, int(why), why)
}

func unavailable(w http.ResponseWriter, err error) {
	if !errors.Is(err, errClosing) && !errors.Is(err, errFull) {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}
