package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

const (
	// restartAfter is how long the supervisor leaves a process that ended by
	// itself alone, as an orchestrator would.
	restartAfter = time.Second
	// stopTime is how long a process may take to end after SIGTERM.
	stopTime = 15 * time.Second
	// readyTime is how long a process may take to answer after its start.
	readyTime = 60 * time.Second
	// probePause lies between two questions whether a process answers.
	probePause = 25 * time.Millisecond
)

// Process is a program that runs, is ended in any way, and runs again, on the
// same address and with the data it had. It is safe for concurrent use.
type Process struct {
	Name string

	path   string
	args   []string
	env    []string
	log    string                          // file that all its runs append to
	ready  func(ctx context.Context) error // nil error: it answers
	polite bool                            // it promises to exit with 0 after SIGTERM

	mu      sync.Mutex
	cmd     *exec.Cmd     // the present or last run
	done    chan struct{} // closed when that run has ended
	wanted  bool          // it is to run: an end is its own doing
	exits   []string      // how it ended by itself, or badly when asked to
	keepers sync.WaitGroup
}

// Start starts the process and waits until it answers.
func (p *Process) Start(ctx context.Context) error {
	p.mu.Lock()
	p.wanted = true
	err := p.launch()
	p.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	return p.AwaitReady(ctx)
}

// AwaitReady waits until the process answers.
func (p *Process) AwaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	var err error
	for ctx.Err() == nil {
		probe, end := context.WithTimeout(ctx, time.Second)
		err = p.ready(probe)
		end()
		if err == nil {
			return nil
		}
		wait(ctx, probePause)
	}
	return fmt.Errorf("%s does not answer: %w (its log: %s)", p.Name, errors.Join(err, ctx.Err()), p.log)
}

// launch begins a run. The caller holds mu.
func (p *Process) launch() error {
	if p.cmd != nil && !ended(p.done) {
		return errors.New("it runs already")
	}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open its log: %w", err)
	}
	defer func() { _ = log.Close() }()     // the child has its own descriptor
	cmd := exec.Command(p.path, p.args...) // it lives until it is ended
	cmd.Env, cmd.Dir = p.env, filepath.Dir(p.log)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()
	started, done := make(chan error), make(chan struct{})
	p.keepers.Go(func() { p.keep(cmd, started, done) })
	if err := <-started; err != nil {
		return err
	}
	p.cmd, p.done = cmd, done
	return nil
}

// keep starts a child, waits for its end, and has it begin again when that was
// its own doing. The kernel ends the child with the thread that started it, so
// the thread is this goroutine's alone.
func (p *Process) keep(cmd *exec.Cmd, started chan<- error, done chan struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err != nil {
		close(done)
		return
	}
	err = cmd.Wait()
	close(done)
	if !p.noteEnd(cmd, err) {
		return
	}
	time.AfterFunc(restartAfter, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted && ended(p.done) {
			_ = p.launch() // it shows as a process that never answers
		}
	})
}

// noteEnd reports whether a run has ended though it was wanted.
func (p *Process) noteEnd(cmd *exec.Cmd, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wanted && p.cmd == cmd {
		p.exits = append(p.exits, fmt.Sprintf("%s ended by itself: %v", p.Name, err))
	}
	return p.wanted
}

// Kill ends the process as kill -9 does. It stays away until Start.
func (p *Process) Kill() { p.end(syscall.SIGKILL) }

// Stop ends the process gracefully. It stays away until Start.
func (p *Process) Stop() { p.end(syscall.SIGTERM) }

// Freeze stops the process in its tracks: connections stay, nothing answers.
func (p *Process) Freeze() { p.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() { p.signal(syscall.SIGCONT) }

// Running reports whether the process runs, frozen or not.
func (p *Process) Running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && !ended(p.done)
}

// Pid returns the id of the present or last run, 0 before the first.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

// Exits returns how the process ended when nobody had ended it, and how it
// failed to end when it was asked to.
func (p *Process) Exits() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.exits...)
}

func (p *Process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig) // it may have ended
	}
}

func (p *Process) end(sig syscall.Signal) {
	p.mu.Lock()
	p.wanted = false
	cmd, done := p.cmd, p.done
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	p.signal(sig)
	if sig != syscall.SIGKILL {
		p.signal(syscall.SIGCONT) // a frozen one would not notice
	}
	select {
	case <-done:
		if p.polite && sig == syscall.SIGTERM && !cmd.ProcessState.Success() {
			p.complain("%s did not end well: %s", p.Name, cmd.ProcessState)
		}
	case <-time.After(stopTime):
		p.complain("%s did not end within %s of SIGTERM", p.Name, stopTime)
		p.signal(syscall.SIGKILL)
		<-done
	}
}

func (p *Process) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exits = append(p.exits, fmt.Sprintf(format, args...))
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
