package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs are built once a test binary.
//
//nolint:gochecknoglobals // shared by all tests of a binary
var programs = sync.OnceValues(build)

// build builds every program, with the race detector, and returns the folder
// that holds them.
func build() (string, error) {
	root, err := repository()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "bin", "race")
	cmd := exec.CommandContext(context.Background(), "go", "build", "-race", "-o", folder+string(filepath.Separator),
		"./services/token-verifier", "./services/code-checker", "./services/encryptor",
		"./services/user-writer", "./services/notifier", "./services/watchdog", "./services/console", "./services/bull-bridge", "./cmd/createuser")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return folder, nil
}

// repository returns the folder of go.work, above the one that tests run in.
func repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.work")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", fmt.Errorf("no go.work above the test's folder")
		}
		folder = parent
	}
}

// binary returns the path of a program.
func binary(t testing.TB, name string) string {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}
