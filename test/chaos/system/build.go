package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Services are the programs under test.
func Services() []string {
	return []string{"token-verifier", "code-checker", "encryptor", "user-writer", "notifier", "watchdog"}
}

// natsServer is the package of the NATS server: a tool of this module.
const natsServer = "github.com/nats-io/nats-server/v2"

// Build builds the services, with the race detector if race, and the parts, and
// returns the folder that holds them all.
func Build(ctx context.Context, race bool) (string, error) {
	root, err := Repository()
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, "bin", "chaos")
	args := []string{"build"}
	if race {
		folder, args = filepath.Join(root, "bin", "chaos-race"), append(args, "-race")
	}
	args = append(args, "-o", folder+string(filepath.Separator), "./cmd/createuser", "./test/chaos/cmd/part")
	for _, name := range Services() {
		args = append(args, "./services/"+name)
	}
	if err := run(ctx, root, os.Environ(), "go", args...); err != nil {
		return "", err
	}
	_, err = BuildNATS(ctx, folder)
	return folder, err
}

// BuildNATS builds the NATS server into a folder, and returns its path.
func BuildNATS(ctx context.Context, folder string) (string, error) {
	root, err := Repository()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "nats-server")
	return path, run(ctx, filepath.Join(root, "test", "chaos"), os.Environ(), "go", "build", "-o", path, natsServer)
}

// run runs a program to its end.
func run(ctx context.Context, folder string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = folder, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, args[0], err, out)
	}
	return nil
}

// Repository returns the folder of go.work, at or above the working directory.
func Repository() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.work")); err == nil {
			return folder, nil
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return "", errors.New("no go.work at or above the working directory")
		}
		folder = parent
	}
}

// Find returns the path of a program of this machine. Servers may lie where
// only root looks.
func Find(name, install string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, folder := range []string{"/usr/sbin", "/usr/local/sbin", "/usr/local/bin"} {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("no %s on this machine; install it with: %s", name, install)
}
