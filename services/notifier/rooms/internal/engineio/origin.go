package engineio

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// allowOrigin judges the page that a request comes from and says in the answer's
// headers that it may read it. Browsers ask before they poll from another
// origin, but open websockets without asking, so the server itself refuses.
func (srv *Server) allowOrigin(answer http.Header, r *http.Request) bool {
	answer.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	switch {
	case origin == "":
		return true
	case slices.Contains(srv.opts.Origins, origin):
		answer.Set("Access-Control-Allow-Origin", origin)
		answer.Set("Access-Control-Allow-Credentials", "true")
		return true
	case slices.Contains(srv.opts.Origins, "*"):
		// Without credentials: a page of any site must not act with a user's cookies.
		answer.Set("Access-Control-Allow-Origin", "*")
		return true
	default:
		return sameHost(origin, r.Host)
	}
}

func sameHost(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// preflight answers a browser that asks whether it may send a request.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Add("Vary", "Access-Control-Request-Headers")
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
