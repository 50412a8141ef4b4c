// Package servicetest runs whole services in tests: the Run function that a
// service's main runs, with settings from variables, against a NATS server of
// sagatest:
//
//	s := sagatest.New(t, event.StepEncryptor)
//	servicetest.Start(t, s, encrypt.Service(), service.Vars{"ENCRYPT_URL": url})
//
// The variables of development mode are set, so that its fixed secrets serve.
package servicetest

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

// stopLimit is how long a service may take to stop: what a deployment allows it.
const stopLimit = 10 * time.Second

// Process is a service that runs. Its methods may be called from the test's
// goroutine alone, unless they say otherwise.
type Process struct {
	t      testing.TB
	name   string
	probes service.Probes
	cancel context.CancelFunc
	ended  chan struct{} // closed once err is set
	err    error         // of Run
	logs   *lines
}

// Start starts a service that uses the server s. It is stopped at the end of
// the test, which fails when that takes more than 10 s or Run returns an error.
func Start(t testing.TB, s *sagatest.Server, svc service.Service, vars service.Vars) *Process {
	t.Helper()
	p := &Process{t: t, name: svc.Name, probes: service.NewProbes(), ended: make(chan struct{}), logs: &lines{t: t}}
	env, closeEnv := p.open(svc, development().With(service.Vars{"NATS_URL": s.URL()}).With(vars))
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	go func() { // Stop waits for it
		defer close(p.ended)
		defer closeEnv()
		p.err = svc.RunMeasured(ctx, env)
	}()
	t.Cleanup(p.Stop)
	return p
}

// Refuses runs a service with variables that it must refuse by an error, which
// it returns. No server is needed for that. The test fails when Run goes on.
func Refuses(t testing.TB, svc service.Service, vars service.Vars) error {
	t.Helper()
	p := &Process{t: t, name: svc.Name, probes: service.NewProbes(), logs: &lines{t: t}}
	env, closeEnv := p.open(svc, development().With(service.Vars{"NATS_URL": "nats://127.0.0.1:1"}).With(vars))
	defer func() {
		closeEnv()
		p.logs.end()
	}()
	ctx, cancel := context.WithTimeout(t.Context(), stopLimit)
	defer cancel()
	err := svc.Run(ctx, env)
	if err == nil {
		t.Fatalf("%s accepts its settings", svc.Name)
	}
	return err
}

func development() service.Vars {
	return service.DevSecrets().With(service.Vars{"CREATE_USER_MODE": service.ModeDevelopment, "LOG_LEVEL": "debug"})
}

func (p *Process) open(svc service.Service, vars service.Vars) (*service.Env, func()) {
	p.t.Helper()
	env, closeEnv, err := service.Open(svc.Name, vars, p.logs, p.probes)
	if err != nil {
		p.t.Fatalf("open the environment of %s: %v", svc.Name, err)
	}
	return env, closeEnv
}

// Interrupt tells the service to stop.
func (p *Process) Interrupt() { p.cancel() }

// Stop stops the service and waits for it. A second call does nothing.
func (p *Process) Stop() {
	p.t.Helper()
	p.Interrupt()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-p.ended:
		p.logs.end()
		if p.err != nil {
			p.t.Errorf("%s: %v", p.name, p.err)
			p.err = nil // said once
		}
	case <-limit.C:
		p.t.Fatalf("%s did not stop within %s", p.name, stopLimit)
	}
}

// Await waits until the service has logged text. It fails the test when that
// takes half a minute, or the service has ended.
func (p *Process) Await(text string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), 30*time.Second)
	defer cancel()
	if !p.logs.await(ctx, p.ended, text) {
		p.t.Fatalf("%s has not logged %q", p.name, text)
	}
}

// Health returns what the checks of the service find, by dependency.
func (p *Process) Health() map[string]error { return p.probes.Health.Run(p.t.Context()) }

// Metrics returns what the service shows to Prometheus.
func (p *Process) Metrics() string {
	answer := httptest.NewRecorder()
	p.probes.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(p.t.Context(), http.MethodGet, "/metrics", nil))
	return answer.Body.String()
}

// Logs returns all that was logged so far. It may be called at any time.
func (p *Process) Logs() string { return p.logs.String() }

// lines keeps what is logged and shows it with the test.
type lines struct {
	t testing.TB

	mu      sync.Mutex
	text    bytes.Buffer  // guarded by mu
	changed chan struct{} // guarded by mu; closed at the next line; nil when nobody waits
	over    bool          // guarded by mu; the test may have ended: a closed connection still says so
}

func (l *lines) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.t.Logf("%s", bytes.TrimSpace(line))
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(line)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// await waits until text was logged, and reports whether it was.
func (l *lines) await(ctx context.Context, ended <-chan struct{}, text string) bool {
	for {
		l.mu.Lock()
		found := strings.Contains(l.text.String(), text)
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-changed:
		case <-ended:
			return strings.Contains(l.String(), text)
		case <-ctx.Done():
			return false
		}
	}
}
