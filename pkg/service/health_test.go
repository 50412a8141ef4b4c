package service_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/service"
)

func passes(context.Context) error { return nil }
func fails(context.Context) error  { return errors.New("it is away") }
func hangs(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// health has the given checks.
func health(checks map[string]service.Check) *service.Health {
	h := service.NewHealth()
	for name, check := range checks {
		h.Add(name, check)
	}
	return h
}

func TestHealth_ReadyzSaysWhatEachCheckFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		checks map[string]service.Check
		status int
		want   map[string]string
	}{
		"nothing to check is ready": {nil, 200, map[string]string{}},
		"all that passes is ready":  {map[string]service.Check{"nats": passes, "redis": passes}, 200, map[string]string{"nats": "ok", "redis": "ok"}},
		"one that fails is not":     {map[string]service.Check{"nats": passes, "redis": fails}, 503, map[string]string{"nats": "ok", "redis": "it is away"}},
		"one that hangs is not": {
			map[string]service.Check{"nats": passes, "redis": hangs}, 503,
			map[string]string{"nats": "ok", "redis": "context deadline exceeded"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				answer := get(t, health(c.checks), "/readyz")
				if answer.Code != c.status || answer.Header().Get("Content-Type") != "application/json" {
					t.Errorf("answered %d, %s", answer.Code, answer.Header())
				}
				var got map[string]string
				if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("answer (-want +got):\n%s", diff)
				}
				if took := time.Since(begun); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

func get(t testing.TB, h *service.Health, path string) *httptest.ResponseRecorder {
	t.Helper()
	answer := httptest.NewRecorder()
	h.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return answer
}

func TestHealth_HealthzAsksNobody(t *testing.T) {
	t.Parallel()
	answer := get(t, health(map[string]service.Check{"redis": fails}), "/healthz")
	if answer.Code != 200 || answer.Body.String() != "ok\n" {
		t.Errorf("answered %d %q", answer.Code, answer.Body)
	}
}

func TestHealth_ALaterCheckReplacesTheEarlier(t *testing.T) {
	t.Parallel()
	h := health(map[string]service.Check{"database": fails})
	h.Add("database", passes)
	if found := h.Run(t.Context()); found["database"] != nil || len(found) != 1 {
		t.Errorf("found %v", found)
	}
}

// Probes come at any time: one must not wait for the checks of another, nor
// find that its own time has gone by then.
func TestHealth_ASlowCheckDoesNotHoldUpTheNextProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := health(map[string]service.Check{"redis": hangs})
		first := make(chan struct{})
		go func() { // waited for below
			defer close(first)
			h.Run(t.Context())
		}()
		synctest.Wait()
		h.Add("redis", passes)
		if found := h.Run(t.Context()); found["redis"] != nil {
			t.Errorf("found %v", found)
		}
		select {
		case <-first:
			t.Error("the second probe has waited for the first")
		default:
		}
		<-first
	})
}

// taken returns a listener and its port.
func taken(t testing.TB) (net.Listener, string) {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return l, port
}

func TestServe_NamesTheSettingOfAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	l, _ := taken(t)
	err := service.Serve(t.Context(), l.Addr().String(), "T_PORT", http.NotFoundHandler(), time.Second, zerolog.Nop())
	if err == nil || !strings.HasPrefix(err.Error(), "T_PORT: cannot listen on "+l.Addr().String()) {
		t.Errorf("the error is %v", err)
	}
}

// serving serves handler until the test ends or stop is called, and returns its
// URL and what Serve returns.
func serving(t testing.TB, handler http.Handler, grace time.Duration) (url string, stop func(), ended <-chan error) {
	t.Helper()
	lines := make(signals, 10)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- service.Serve(ctx, "127.0.0.1:0", "T_PORT", handler, grace, zerolog.New(lines)) }()
	var line struct{ Address, Setting string }
	if err := json.Unmarshal([]byte(receive(t, lines, "the server")), &line); err != nil || line.Setting != "T_PORT" {
		t.Fatalf("it logged %+v: %v", line, err)
	}
	return "http://" + line.Address, cancel, done
}

// signals sends on what is logged.
type signals chan string

func (s signals) Write(line []byte) (int, error) {
	s <- string(line)
	return len(line), nil
}

func TestServe_LetsRequestsFinish(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	url, stop, ended := serving(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		_, _ = w.Write([]byte("finished"))
	}), time.Minute)
	answers := make(chan string, 1)
	go func() { answers <- fetch(t, url) }()
	receive(t, begun, "the request")
	stop()
	close(finish)
	if got := receive(t, answers, "the answer"); got != "finished" {
		t.Errorf("answered %q", got)
	}
	if err := receive(t, ended, "the end"); err != nil {
		t.Errorf("Serve: %v", err)
	}
}

func TestServe_CutsOffAHangingRequestAfterTheGrace(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{})
	url, stop, ended := serving(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	}), 10*time.Millisecond)
	answers := make(chan string, 1)
	go func() { answers <- fetch(t, url) }()
	receive(t, begun, "the request")
	stop()
	if err := receive(t, ended, "the end"); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got := receive(t, answers, "the end of the request"); got != "" {
		t.Errorf("answered %q", got)
	}
}

// fetch returns the body of an answer, or nothing when none came.
func fetch(t testing.TB, url string) string {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body := make([]byte, 100)
	n, _ := response.Body.Read(body)
	return string(body[:n])
}
