package parts

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
)

// outputLimit is how much of the end of a server's log an error shows, in bytes.
const outputLimit = 2000

// process is a server that runs as a child of this test binary.
type process struct {
	binary string
	args   []string
	folder string // its data and its log

	mu   sync.Mutex
	cmd  *exec.Cmd     // the present or last run
	done chan struct{} // closed when that run has ended
}

// openProcess starts a private instance of the machine's own binary.
func (s *session) openProcess(ctx context.Context, p part) (*Server, error) {
	bin, err := s.findBinaries(p.binaries)
	if err != nil {
		return nil, err
	}
	return persist(func() (*Server, error) { return s.startProcess(ctx, p, bin) })
}

// startProcess starts one on a fresh folder and port, and waits until it answers.
func (s *session) startProcess(ctx context.Context, p part, bin []string) (*Server, error) {
	folder, err := s.newFolder(strings.ToLower(p.name))
	if err != nil {
		return nil, err
	}
	if p.prepare != nil {
		if err := p.prepare(ctx, bin, folder); err != nil {
			return nil, fmt.Errorf("preparing %s: %w", p.name, err)
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	child := &process{binary: bin[0], args: p.args(folder, port), folder: folder}
	if err := child.start(ctx); err != nil {
		return nil, err
	}
	addr := loopback(port)
	server := &Server{Addr: addr, url: p.url(addr), part: p, instance: child}
	if err := server.awaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("starting %s: %w", p.name, err), child.remove(ctx))
	}
	return server, nil
}

// start implements instance.
func (p *process) start(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs() {
		return errors.New("it runs already")
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the server's log: %w", err)
	}
	defer log.Close()                        // the child has its own descriptor
	cmd := exec.Command(p.binary, p.args...) // no context: it lives until it is stopped
	cmd.Dir = p.folder
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = dieWithParent()

	started, done := make(chan error), make(chan struct{})
	go keep(cmd, started, done)
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", filepath.Base(p.binary), err)
	}
	p.cmd, p.done = cmd, done
	return nil
}

// keep starts a child and waits for its end on one thread that does nothing
// else: the kernel ends the child when the thread that started it ends, and
// only a locked thread is sure to live that long. remove waits for done.
func keep(cmd *exec.Cmd, started chan<- error, done chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(done)
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // a server ended by a signal is no error here
	}
}

// signal implements instance.
func (p *process) signal(_ context.Context, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return errors.New("it was never started")
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("sending it %s: %w", sig, err)
	}
	return nil
}

// running implements instance.
func (p *process) running(context.Context) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs(), nil
}

// runs is running for callers that hold mu.
func (p *process) runs() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// remove implements instance.
func (p *process) remove(ctx context.Context) error {
	if err := p.signal(ctx, syscall.SIGKILL); err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return fmt.Errorf("waiting for its end: %w", ctx.Err())
	}
	if err := os.RemoveAll(p.folder); err != nil {
		return fmt.Errorf("removing its data: %w", err)
	}
	return nil
}

// output implements instance.
func (p *process) output(context.Context) string {
	log, err := os.ReadFile(p.logFile())
	if err != nil {
		return "its log cannot be read"
	}
	return strings.TrimSpace(string(log[max(0, len(log)-outputLimit):]))
}

func (p *process) logFile() string { return filepath.Join(p.folder, "output.log") }
