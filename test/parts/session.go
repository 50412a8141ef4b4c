package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// session is what one test binary has started: its folder, its guard, and the
// servers that its tests share.
type session struct {
	getenv func(string) string
	look   func(binary string) (string, error) // where a binary is on the machine

	folder func() (string, error)  // temporary folder with its guard; made at first use
	docker func() (*engine, error) // the Docker engine; sought at first use

	redis   func() (*Server, error) // the shared servers; started at first use
	mariaDB func() (*Server, error)

	mu      sync.Mutex
	guard   *guard    // nil until the folder is made
	servers []*Server // what close must end
}

// newSession returns a session that has started nothing yet.
func newSession(getenv func(string) string) *session {
	s := &session{getenv: getenv, look: findBinary}
	s.folder = sync.OnceValues(s.makeFolder)
	s.docker = sync.OnceValues(s.findDocker)
	s.redis = s.shared(redisPart())
	s.mariaDB = s.shared(mariaDBPart())
	return s
}

// shared returns a function that starts a server once, whichever test asks
// first, and keeps it until the session ends. It outlives that test, so it does
// not run under the test's context.
func (s *session) shared(p part) func() (*Server, error) {
	return sync.OnceValues(func() (*Server, error) {
		server, err := s.open(context.Background(), p, false)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.servers = append(s.servers, server)
		return server, nil
	})
}

// own starts a server for one test and ends it with the test.
func (s *session) own(t testing.TB, p part) *Server {
	t.Helper()
	server, err := s.open(context.Background(), p, true)
	if err != nil {
		t.Fatalf("parts: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := server.instance.remove(ctx); err != nil {
			t.Errorf("parts: removing this test's %s: %v", p.name, err)
		}
	})
	server.log(t)
	return server
}

// makeFolder makes the session's temporary folder and sets a guard over it.
func (s *session) makeFolder() (string, error) {
	folder, err := os.MkdirTemp("", "create-user-parts-")
	if err != nil {
		return "", fmt.Errorf("making a folder for the servers of this test binary: %w", err)
	}
	g, err := startGuard(folder)
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(folder))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guard = g
	return folder, nil
}

// newFolder makes one server's folder within the session's.
func (s *session) newFolder(name string) (string, error) {
	folder, err := s.folder()
	if err != nil {
		return "", err
	}
	sub, err := os.MkdirTemp(folder, name+"-")
	if err != nil {
		return "", fmt.Errorf("making a folder for %s: %w", name, err)
	}
	return sub, nil
}

// close ends what the session has started and waits until it is gone.
func (s *session) close(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, server := range s.servers {
		if server.instance == nil {
			continue
		}
		if err := server.instance.remove(ctx); err != nil {
			errs = append(errs, fmt.Errorf("removing %s: %w", server.part.name, err))
		}
	}
	if s.guard != nil {
		errs = append(errs, s.guard.dismiss())
	}
	return errors.Join(errs...)
}

// log tells the test where its server comes from, and why from there.
func (s *Server) log(t testing.TB) {
	t.Helper()
	for _, note := range s.notes {
		t.Log("parts:", note)
	}
}
