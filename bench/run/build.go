package run

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/create-user/create-user/test/chaos/system"
)

// Build builds the services, their parts and the empty stages, and returns the
// folder that holds them.
func Build(ctx context.Context) (string, error) {
	folder, err := system.Build(ctx, false)
	if err != nil {
		return "", err
	}
	root, err := system.Repository()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(folder, "stages"), "./bench/cmd/stages")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the empty stages: %w\n%s", err, out)
	}
	return folder, nil
}
