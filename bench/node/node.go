// Package node runs the programs in Node.js: the users' Socket.IO clients, and
// the Bull job that Create User replaces, with what belongs to it.
package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/create-user/create-user/bench/child"
	"github.com/create-user/create-user/test/chaos/system"
)

// start starts one of the programs of this folder.
func start(ctx context.Context, script string, env ...string) (*child.Child, error) {
	root, err := system.Repository()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(root, "bench", "node")
	path, err := system.Node(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", script, err)
	}
	return child.Start(script, folder, append(os.Environ(), env...), path, script)
}
