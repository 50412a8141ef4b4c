package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// liveEvery is how often a page that watches the flow is told of it.
const liveEvery = time.Second

// live sends server-sent events: the flow every second and, when a saga is
// named, a word each time it changes. It ends with the browser or the console;
// the browser then asks again by itself.
// Source: HTML Living Standard, section 9.2.
func (s *server) live(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	listener := s.board.Listen(event.Key{User: r.FormValue("user"), Saga: r.FormValue("saga")})
	defer listener.Close()
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	for now := time.Now(); ; {
		if err := tell(w, "flow", s.flow(now)); err != nil || rc.Flush() != nil {
			return
		}
		select {
		case now = <-ticker.C:
		case <-listener.Changed:
			now = time.Now()
			if tell(w, "saga", nil) != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		}
	}
}

// tell writes one server-sent event.
func tell(w http.ResponseWriter, name string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, text)
	return err
}

// series answers with the plots of the last quarter of an hour.
func (s *server) series(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, s.board.Series(time.Now()))
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, data any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(data) // a browser that is gone needs no answer
}
