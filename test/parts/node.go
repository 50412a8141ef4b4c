package parts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// installTimeout bounds npm ci, and the wait for another test binary's.
const installTimeout = 5 * time.Minute

const (
	nodeInstall = "apt-get install -y nodejs npm"
	nodeLock    = ".npm-ci.lock"         // beside package.json; held while npm runs
	nodeStamp   = ".package-lock.sha256" // in node_modules; of what is installed
)

// Node returns the path of the node binary, after making sure that dir, which
// holds a package.json and a package-lock.json, has exactly the locked packages
// in node_modules. Test binaries that run at once install them only once.
func Node(t testing.TB, dir string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	node, err := installNode(ctx, dir)
	if err != nil {
		t.Fatalf("parts: %v", err)
	}
	return node
}

func installNode(ctx context.Context, dir string) (node string, err error) {
	node, err = findBinary("node")
	if err != nil {
		return "", fmt.Errorf("%w; install it with: %s", err, nodeInstall)
	}
	npm, err := findBinary("npm")
	if err != nil {
		return "", fmt.Errorf("%w; install it with: %s", err, nodeInstall)
	}
	unlock, err := lockFile(ctx, filepath.Join(dir, nodeLock))
	if err != nil {
		return "", fmt.Errorf("waiting for another npm ci in %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return node, installPackages(ctx, npm, dir)
}

// installPackages runs npm ci unless node_modules already is what the lock file
// says. The stamp is written last, so an install that was cut off is repeated.
func installPackages(ctx context.Context, npm, dir string) error {
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("reading what npm ci must install: %w", err)
	}
	sum := sha256.Sum256(lock)
	want := []byte(hex.EncodeToString(sum[:]))
	stamp := filepath.Join(dir, "node_modules", nodeStamp)
	if have, err := os.ReadFile(stamp); err == nil && bytes.Equal(have, want) {
		return nil
	}
	// Packages must not run programs of their own while they are installed.
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	cmd.WaitDelay = stopTimeout
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci in %s: %w: %s", dir, err, bytes.TrimSpace(out[max(0, len(out)-outputLimit):]))
	}
	if err := os.MkdirAll(filepath.Dir(stamp), 0o755); err != nil { // npm makes none for no packages
		return fmt.Errorf("making node_modules: %w", err)
	}
	if err := os.WriteFile(stamp, want, 0o600); err != nil {
		return fmt.Errorf("noting what npm ci has installed: %w", err)
	}
	return nil
}

// lockFile takes a lock that the kernel drops when its holder ends, and returns
// how to drop it.
func lockFile(ctx context.Context, path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock: %w", err)
	}
	pause := time.NewTicker(probePause)
	defer pause.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file.Close, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("locking: %w", err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("locking: %w", ctx.Err()), file.Close())
		case <-pause.C:
		}
	}
}
