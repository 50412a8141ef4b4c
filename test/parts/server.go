package parts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

const (
	startTimeout = 60 * time.Second      // until a server answers; slow machines, cold disks
	stopTimeout  = 20 * time.Second      // until a server has ended
	probeTimeout = 2 * time.Second       // one question whether it answers
	probePause   = 20 * time.Millisecond // between two such questions
)

// Server is one running part. Its outage methods work on an instance that is
// the test's own (RedisAlone, MariaDBAlone); on a shared one they fail the test.
type Server struct {
	// Addr is host:port. It stays the same over every stop and start.
	Addr string

	url      string
	part     part
	alone    bool
	notes    []string
	instance instance // nil when the environment gave the address
}

// instance is a running server of ours: a process or a container.
type instance interface {
	// start starts it again after it has ended, on the same address and with the data it had.
	start(ctx context.Context) error
	// signal sends it a signal.
	signal(ctx context.Context, sig syscall.Signal) error
	// running tells whether it has not ended yet. A frozen one is running.
	running(ctx context.Context) (bool, error)
	// remove ends it at once and forgets its data. A second call does nothing.
	remove(ctx context.Context) error
	// output returns the end of what it wrote, for error messages.
	output(ctx context.Context) string
}

// Stop ends the server gracefully and returns when it has ended. Its data stay.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.end(t, syscall.SIGTERM)
}

// Kill ends the server as kill -9 does and returns when it has ended. Its data
// stay as far as it had handed them to the operating system.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	s.end(t, syscall.SIGKILL)
}

// Start starts the stopped or killed server again, on the same address, and
// returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	s.outage(t, "start", startTimeout, func(ctx context.Context) error {
		if err := s.instance.start(ctx); err != nil {
			return err
		}
		return s.awaitReady(ctx)
	})
}

// Pause freezes the server (SIGSTOP): connections stay open and nothing answers.
func (s *Server) Pause(t testing.TB) {
	t.Helper()
	s.outage(t, "pause", stopTimeout, func(ctx context.Context) error {
		return s.instance.signal(ctx, syscall.SIGSTOP)
	})
}

// Resume thaws the frozen server and returns when it answers.
func (s *Server) Resume(t testing.TB) {
	t.Helper()
	s.outage(t, "resume", startTimeout, func(ctx context.Context) error {
		if err := s.instance.signal(ctx, syscall.SIGCONT); err != nil {
			return err
		}
		return s.awaitReady(ctx)
	})
}

// end sends sig and waits for the end. A frozen server is thawed, or it would
// not notice.
func (s *Server) end(t testing.TB, sig syscall.Signal) {
	t.Helper()
	s.outage(t, "end", stopTimeout, func(ctx context.Context) error {
		err := s.instance.signal(ctx, sig)
		if err != nil {
			return err
		}
		if sig != syscall.SIGKILL {
			if err := s.instance.signal(ctx, syscall.SIGCONT); err != nil {
				return err
			}
		}
		return s.awaitEnd(ctx)
	})
}

// outage runs one act against an instance that is the test's own.
func (s *Server) outage(t testing.TB, verb string, timeout time.Duration, act func(context.Context) error) {
	t.Helper()
	if !s.alone || s.instance == nil {
		t.Fatalf("parts: cannot %s a %s that is not this test's own: use %sAlone", verb, s.part.name, s.part.name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := act(ctx); err != nil {
		t.Fatalf("parts: %s %s: %v", verb, s.part.name, err)
	}
}

// errSilent tells that a server runs but did not answer in time.
var errSilent = errors.New("it does not answer")

// startTries is how often a server is started, each time on another port,
// because somebody else may take a free port before the server does.
const startTries = 3

// persist calls start again when the server ends before it answers, as one does
// whose port is taken. Another try does not help one that is silent.
func persist(start func() (*Server, error)) (*Server, error) {
	var errs []error
	for range startTries {
		server, err := start()
		if err == nil {
			return server, nil
		}
		errs = append(errs, err)
		if errors.Is(err, errSilent) {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// awaitReady returns when the server answers, has ended, or startTimeout is over.
func (s *Server) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	pause := time.NewTicker(probePause)
	defer pause.Stop()
	var reason error
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return s.silent(context.WithoutCancel(ctx), cmp.Or(reason, err))
		}
		reason = err
		if err := s.checkRunning(ctx); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
	}
}

// checkRunning returns an error with the server's last words when our instance
// has ended. One from the environment is never seen to end.
func (s *Server) checkRunning(ctx context.Context) error {
	if s.instance == nil {
		return nil
	}
	running, err := s.instance.running(ctx)
	if err != nil || running {
		return err
	}
	return fmt.Errorf("it ended before it answered: %s", s.instance.output(ctx))
}

// silent describes a server that runs but does not answer, with the reason of
// the last probe and the server's last words.
func (s *Server) silent(ctx context.Context, reason error) error {
	if s.instance == nil {
		return fmt.Errorf("%w: %w", errSilent, reason)
	}
	return fmt.Errorf("%w: %w; its last words: %s", errSilent, reason, s.instance.output(ctx))
}

// awaitEnd returns when our instance has ended.
func (s *Server) awaitEnd(ctx context.Context) error {
	pause := time.NewTicker(probePause)
	defer pause.Stop()
	for {
		running, err := s.instance.running(ctx)
		if err != nil {
			return err
		}
		if !running {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not end: %w", ctx.Err())
		case <-pause.C:
		}
	}
}

// probe asks once whether the server answers.
func (s *Server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return s.part.ready(ctx, s.url)
}
