// Package harness runs the whole of Create User for tests, as its users meet
// it: the real binaries as processes, a real NATS, MariaDB and Redis, the
// encryption stand-in, and npm socket.io clients in the browser's place.
package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopTime is how long a program may take to end after SIGTERM.
const stopTime = 10 * time.Second

// Logs collects what all programs of a system print. It is safe for concurrent use.
type Logs struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

// Write implements io.Writer.
func (l *Logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String returns everything so far.
func (l *Logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// lastWords returns what explains a bad end: the race detector's reports, or
// what was printed last.
func (l *Logs) lastWords() string {
	const most = 8 << 10
	text := l.String()
	if at := strings.Index(text, "WARNING: DATA RACE"); at >= 0 {
		return text[at:min(len(text), at+most)]
	}
	return text[max(0, len(text)-most):]
}

// Process is a running program.
type Process struct {
	name string
	cmd  *exec.Cmd
	out  *Logs
	done chan struct{} // closed when it has ended
	err  error         // how it ended; read after done

	stopped bool // by the test
}

// StartProcess starts a program with nothing but vars in its environment. At
// the end of the test it is stopped and must exit with 0 in time.
func StartProcess(t testing.TB, vars map[string]string, out *Logs, name string, args ...string) *Process {
	t.Helper()
	p := &Process{name: name, out: out, cmd: exec.CommandContext(context.Background(), binary(t, name), args...), done: make(chan struct{})}
	p.cmd.Env = environ(vars)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.Stop(t) })
	return p
}

// Signal tells the program to stop.
func (p *Process) Signal() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
}

// Kill ends the program as kill -9 does.
func (p *Process) Kill() {
	p.stopped = true
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// Stop sends SIGTERM and waits for a graceful end. A second call does nothing.
func (p *Process) Stop(t testing.TB) {
	t.Helper()
	if p.stopped {
		return
	}
	p.stopped = true
	p.Signal()
	select {
	case <-p.done:
		if p.err != nil {
			t.Errorf("%s did not end well: %v\n%s", p.name, p.err, p.out.lastWords())
		}
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.done
		t.Errorf("%s did not stop within %s", p.name, stopTime)
	}
}

func environ(vars map[string]string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"GORACE=atexit_sleep_ms=0", // the race detector would sleep a second at each exit
	}
	for name, value := range vars {
		env = append(env, name+"="+value)
	}
	return env
}

// Command runs createuser to its end and returns what it printed.
func Command(t testing.TB, vars map[string]string, stdin string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(t, "createuser"), args...)
	cmd.Env = environ(vars)
	cmd.Stdin = strings.NewReader(stdin)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("createuser %s: %w: %s", strings.Join(args, " "), err, problems.String())
	}
	return out.String(), nil
}

// MustCommand is command for one that must succeed.
func MustCommand(t testing.TB, vars map[string]string, args ...string) string {
	t.Helper()
	out, err := Command(t, vars, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
