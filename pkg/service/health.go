package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
)

// Check reports whether a dependency can be used, within ctx.
type Check func(ctx context.Context) error

// Health collects the checks of what a process depends on and answers probes.
// It is safe for concurrent use.
type Health struct {
	mu     sync.Mutex
	checks map[string]Check // by dependency; guarded by mu
}

// NewHealth returns a Health without checks.
func NewHealth() *Health { return &Health{checks: make(map[string]Check)} }

// Add adds the check of a dependency. A later one of the same name replaces it.
func (h *Health) Add(name string, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = check
}

// checkTimeout bounds one round of checks.
const checkTimeout = 2 * time.Second

// Run runs all checks at once and returns what each found.
func (h *Health) Run(ctx context.Context) map[string]error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	h.mu.Lock()
	checks := maps.Clone(h.checks) // a slow one must not hold up the next probe
	h.mu.Unlock()
	var (
		found   = make(map[string]error, len(checks))
		guard   sync.Mutex // guards found
		running sync.WaitGroup
	)
	for name, check := range checks {
		running.Go(func() {
			err := check(ctx)
			guard.Lock()
			defer guard.Unlock()
			found[name] = err
		})
	}
	running.Wait()
	return found
}

// Handler answers /healthz (the process lives: 200) and /readyz (200 when every
// check passes, else 503), the latter with what each check found, as JSON.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("ok\n")) // a prober that is gone needs no answer
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		status, answer := http.StatusOK, map[string]string{}
		for name, err := range h.Run(r.Context()) {
			answer[name] = "ok"
			if err != nil {
				status, answer[name] = http.StatusServiceUnavailable, err.Error()
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer) // as above
	})
	return mux
}

// dependencies shows what the checks find as a metric, at each scrape.
type dependencies struct{ health *Health }

// Describe implements [prometheus.Collector].
func (d dependencies) Describe(all chan<- *prometheus.Desc) { all <- d.desc() }

// Collect implements [prometheus.Collector].
func (d dependencies) Collect(all chan<- prometheus.Metric) {
	for name, err := range d.health.Run(context.Background()) { // which bounds itself
		up := 1.0
		if err != nil {
			up = 0
		}
		all <- prometheus.MustNewConstMetric(d.desc(), prometheus.GaugeValue, up, name)
	}
}

func (dependencies) desc() *prometheus.Desc {
	return prometheus.NewDesc("create_user_dependency_up", "1 when the process can use a dependency, as /readyz says; else 0.", []string{"dependency"}, nil)
}

// Serve serves handler on addr until ctx ends, then lets requests finish for up
// to grace. setting names the variable that addr comes from, for the error of a
// port that is taken.
func Serve(ctx context.Context, addr, setting string, handler http.Handler, grace time.Duration, log zerolog.Logger) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: cannot listen on %s (set another one): %w", setting, addr, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	log.Info().Str("address", listener.Addr().String()).Str("setting", setting).Msg("listening")
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve on %s: %w", addr, err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err = server.Shutdown(stopping)
	if serveErr := <-done; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // whoever still hangs on is cut off
	}
	return err
}
