package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

// binaries builds every program once a test binary, with the race detector, and
// returns the folder that holds them.
//
//nolint:gochecknoglobals // shared by all tests of the package
var binaries = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "create-user-e2e-")
	if err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-race", "-o", folder+string(filepath.Separator),
		"./services/token-verifier", "./services/code-checker", "./services/encryptor",
		"./services/user-writer", "./services/notifier", "./services/watchdog", "./cmd/createuser")
	build.Dir = filepath.Join("..", "..")
	build.Stderr = os.Stderr
	return folder, build.Run()
})

// binary returns the path of a program.
func binary(t testing.TB, name string) string {
	t.Helper()
	folder, err := binaries()
	if err != nil {
		t.Fatalf("build the programs: %v", err)
	}
	return filepath.Join(folder, name)
}
