//go:build !deployed

package main

import (
	"net/http"
	"sync/atomic"

	"github.com/create-user/create-user/services/console/console"
)

// moody is the encryption stand-in with a mood, which the sign-up page sets.
type moody struct {
	well http.Handler
	mood atomic.Pointer[console.Mood]
}

func newMoody(well http.Handler) *moody {
	m := &moody{well: well}
	m.set(console.MoodWell)
	return m
}

// set sets the mood, unless it is empty, and returns it.
func (m *moody) set(mood console.Mood) console.Mood {
	if mood != "" {
		m.mood.Store(&mood)
	}
	return *m.mood.Load()
}

const fault = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>` +
	`<s:Fault><faultcode>s:Server</faultcode><faultstring>as asked for</faultstring></s:Fault></s:Body></s:Envelope>`

// ServeHTTP implements [http.Handler].
func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch m.set("") {
	case console.MoodAway:
		panic(http.ErrAbortHandler) // the connection ends without an answer
	case console.MoodFaults:
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(fault))
	case console.MoodNonsense:
		_, _ = w.Write([]byte("nonsense"))
	default:
		m.well.ServeHTTP(w, r)
	}
}
