package engineio

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// waiting is a poll that the server has not answered yet.
type waiting struct {
	t      testing.TB
	giveUp context.CancelFunc
	answer chan answer
}

type answer struct {
	status int
	body   string
}

// poll begins a poll and returns once the server has it waiting.
func (h *harness) poll(p *enginetest.Polling) *waiting {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), enginetest.Patience)
	w := &waiting{t: h.t, giveUp: cancel, answer: make(chan answer, 1)}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	go func() {
		defer cancel()
		w.answer <- do(r)
	}()
	s := h.echo(p.SID).session
	enginetest.Eventually(h.t, "the poll waits", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.polling && len(s.queue) == 0
	})
	return w
}

func do(r *http.Request) answer {
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer{}
	}
	return answer{response.StatusCode, string(body)}
}

func (w *waiting) expect(status int, packets ...string) {
	w.t.Helper()
	select {
	case got := <-w.answer:
		if want := (answer{status, strings.Join(packets, "\x1e")}); got != want {
			w.t.Fatalf("the waiting poll got %+v, want %+v", got, want)
		}
	case <-time.After(enginetest.Patience):
		w.t.Fatal("the waiting poll was not answered")
	}
}
