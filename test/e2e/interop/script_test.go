package interop

import (
	"bufio"
	"context"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/create-user/create-user/test/parts"
)

// folder holds the npm packages and the scripts.
const folder = "npm"

// patience is how long a test waits for what must come, before it fails.
const patience = 2 * time.Minute

// script is a Node.js program that runs. Its methods are the test goroutine's.
type script struct {
	t     testing.TB
	cmd   *exec.Cmd
	stdin io.WriteCloser
	read  chan struct{} // closed when all that it prints was read

	mu      sync.Mutex
	lines   []string      // guarded by mu
	changed chan struct{} // guarded by mu; closed and renewed at each line
}

// node starts a script of the folder. It is killed at the end of the test.
func node(t testing.TB, file string, args ...string) *script {
	t.Helper()
	s := &script{t: t, read: make(chan struct{}), changed: make(chan struct{})}
	s.cmd = exec.CommandContext(context.Background(), parts.Node(t, folder), append([]string{file}, args...)...)
	s.cmd.Dir, s.cmd.Stderr = folder, t.Output()
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", file, err)
	}
	go func() {
		defer close(s.read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			s.add(lines.Text())
		}
	}()
	t.Cleanup(s.kill)
	return s
}

func (s *script) add(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
	close(s.changed)
	s.changed = make(chan struct{})
}

// printed returns the lines so far, and what closes at the next.
func (s *script) printed() ([]string, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[:len(s.lines):len(s.lines)], s.changed
}

// await waits until enough says so of what was printed.
func (s *script) await(what string, enough func(lines []string) bool) {
	s.t.Helper()
	late := time.After(patience)
	for {
		lines, changed := s.printed()
		if enough(lines) {
			return
		}
		select {
		case <-changed:
		case <-s.read:
			if lines, _ := s.printed(); !enough(lines) {
				s.t.Fatalf("it ended before %s; it printed:\n%s", what, strings.Join(lines, "\n"))
			}
			return
		case <-late:
			s.t.Fatalf("waited in vain for %s; it printed %d lines, the last of them:\n%s", what, len(lines), strings.Join(lines[max(0, len(lines)-5):], "\n"))
		}
	}
}

// awaitLine waits for a line.
func (s *script) awaitLine(want string) {
	s.t.Helper()
	s.await(want, func(lines []string) bool {
		for _, line := range lines {
			if line == want {
				return true
			}
		}
		return false
	})
}

// signal sends a signal; what has ended takes none.
func (s *script) signal(signal syscall.Signal) { _ = s.cmd.Process.Signal(signal) }

// kill ends the program as a crash does, and waits until all that it printed was read.
func (s *script) kill() {
	s.signal(syscall.SIGKILL)
	<-s.read
	_ = s.cmd.Wait() // killed
}

// wait waits for the program's own end, and fails the test if it was a bad one.
func (s *script) wait() []string {
	s.t.Helper()
	_ = s.stdin.Close()
	select {
	case <-s.read:
	case <-time.After(patience):
		s.t.Fatal("the script does not end")
	}
	lines, _ := s.printed()
	if err := s.cmd.Wait(); err != nil {
		s.t.Fatalf("the script ended badly: %v", err)
	}
	return lines
}
