package engineio

import (
	"encoding/json"
	"errors"
	"net/http"
)

const (
	transportPolling   = "polling"
	transportWebsocket = "websocket"
)

// refusal is an error of the protocol's handshake, with the number that clients know.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The refusals that clients know, as the reference server words them.
var (
	unknownTransport = refusal{0, "Transport unknown"}
	unknownSession   = refusal{1, "Session ID unknown"}
	badMethod        = refusal{2, "Bad handshake method"}
	badRequest       = refusal{3, "Bad request"}
	forbidden        = refusal{4, "Forbidden"}
	badVersion       = refusal{5, "Unsupported protocol version"}
)

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
	body, err := json.Marshal(why)
	if err != nil {
		http.Error(w, why.Message, status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that has gone cannot be told
}

func unavailable(w http.ResponseWriter, err error) {
	if !errors.Is(err, errClosing) && !errors.Is(err, errFull) {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Retry-After", "1")
	http.Error(w, err.Error(), http.StatusServiceUnavailable)
}
