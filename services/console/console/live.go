package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// liveEvery is how often the page of the flow is told of it.
const liveEvery = time.Second

// live sends the flow every second, as server-sent events. It ends with the
// browser or the console; the browser then asks again by itself.
// Source: HTML Living Standard, section 9.2.
func (s *server) live(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(liveEvery)
	defer ticker.Stop()
	stream(s, w, r, "flow", ticker.C, func() any { return s.flow(time.Now()) })
}

// sagaSteps sends how far a saga is, as server-sent events: at once, since it may
// have gone on while the browser was not listening, and each time it changes.
func (s *server) sagaSteps(w http.ResponseWriter, r *http.Request) {
	k, err := sagaKey(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	listener := s.board.Listen(k)
	defer listener.Close()
	stream(s, w, r, "steps", listener.Changed, func() any {
		one, _ := s.board.Get(k)
		return map[string]any{"last": one.Last, "code": one.Code, "sequence": one.Sequence}
	})
}

// stream sends what state returns, at once and again after each value of again,
// until the browser or the console goes.
func stream[T any](s *server, w http.ResponseWriter, r *http.Request, name string, again <-chan T, state func() any) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	for {
		if tell(w, name, state()) != nil || rc.Flush() != nil {
			return
		}
		select {
		case <-again:
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
