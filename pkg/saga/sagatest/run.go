package sagatest

import (
	"context"
	"runtime/pprof"
	"strings"
	"sync"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// stopLimit is how long a step may take to stop: what a deployment allows it.
const stopLimit = 10 * time.Second

// Run runs a step until the test ends or the returned function is called, which
// waits for the step to stop. The test fails when that takes more than 10 s. The
// step's configuration is that of [Server.Config], with the given changes.
func Run[In, Out event.Body](s *Server, step saga.Step[In, Out], change ...func(*saga.Config)) (stop func()) {
	s.t.Helper()
	cfg := s.Config()
	for _, c := range change {
		c(&cfg)
	}
	ctx, cancel := context.WithCancel(s.running)
	done := make(chan error, 1)
	go func() { done <- saga.Run(ctx, cfg, step) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			s.waitFor(step.Name, done)
		})
	}
	s.t.Cleanup(func() {
		s.stopAll() // so that all stop at once
		stop()
	})
	return stop
}

func (s *Server) waitFor(step string, done <-chan error) {
	s.t.Helper()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case err := <-done:
		if err != nil {
			s.t.Errorf("step %s: %v", step, err)
		}
	case <-limit.C:
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1) // a strings.Builder takes all
		s.t.Errorf("step %s did not stop within %s:\n%s", step, stopLimit, stacks.String())
	}
}
