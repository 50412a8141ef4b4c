package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// guardVariable makes a test binary stand guard over this folder instead of
// running tests.
const guardVariable = "CREATE_USER_PARTS_GUARD"

// dockerMark is the file in the session's folder that tells the guard that
// there may be containers to remove.
const dockerMark = "docker"

const (
	sweepTimeout = 20 * time.Second       // for the guard's whole work
	sweepPause   = 100 * time.Millisecond // between two tries to remove a folder
)

// guard is a second process of this test binary. It holds the reading end of a
// pipe whose writing end only this process has: however this process ends, the
// pipe ends too, and the guard removes what is left.
type guard struct {
	cmd  *exec.Cmd
	pipe io.Closer // the writing end
}

// startGuard sets a guard over a session's folder. It runs in a session of its
// own (setsid), or an interrupt at the terminal would end it with the tests.
func startGuard(folder string) (*guard, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this test binary: %w", err)
	}
	cmd := exec.Command(binary) // no context: it must outlive them all
	cmd.Dir = os.TempDir()
	// The race detector, if it is in, would hold the guard for a second at its end.
	cmd.Env = append(os.Environ(), guardVariable+"="+folder, "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("making the guard's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the guard: %w", err)
	}
	return &guard{cmd: cmd, pipe: pipe}, nil
}

// dismiss tells the guard that the session is over, and waits until it has
// removed what is left.
func (g *guard) dismiss() error {
	err := g.pipe.Close()
	if werr := g.cmd.Wait(); werr != nil {
		return fmt.Errorf("the guard could not remove everything: %w", errors.Join(werr, err))
	}
	return nil
}

// standGuard is the guard process: it waits for the end of the test binary,
// removes its containers and its folder, and returns the exit status.
func standGuard(folder string) int {
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweepTimeout)
	defer cancel()
	var errs []error
	if _, err := os.Stat(filepath.Join(folder, dockerMark)); err == nil {
		errs = append(errs, removeContainers(ctx, filepath.Base(folder)))
	}
	errs = append(errs, removeFolder(ctx, folder))
	if errors.Join(errs...) != nil {
		return 1
	}
	return 0
}

// removeFolder removes a folder into which a dying server may still write.
func removeFolder(ctx context.Context, folder string) error {
	pause := time.NewTicker(sweepPause)
	defer pause.Stop()
	for {
		err := os.RemoveAll(folder)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("removing the session's folder: %w", err)
		case <-pause.C:
		}
	}
}
