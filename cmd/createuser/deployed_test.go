package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/create-user/create-user/pkg/service"
)

// deployed runs a command line of the program as its image has it: built without
// what only development needs.
type deployed string

func buildDeployed(t testing.TB) deployed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "createuser")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race", "-tags", "deployed", "-ldflags", "-s -w", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return deployed(path)
}

func (d deployed) command(t testing.TB, vars service.Vars, args ...string) ran {
	t.Helper()
	var out, errs bytes.Buffer
	c := exec.CommandContext(t.Context(), string(d), args...)
	c.Dir, c.Env, c.Stdout, c.Stderr = t.TempDir(), []string{}, &out, &errs
	for name, value := range vars {
		c.Env = append(c.Env, name+"="+value)
	}
	err := c.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return ran{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// It is built as for an image, but for the flags that only make it smaller.
func TestDeployed(t *testing.T) {
	t.Parallel()
	program := buildDeployed(t)
	_, nats := bareNATS(t)
	t.Run("run says where it is", func(t *testing.T) {
		program.command(t, nil, "run").fails(t, 1, `run is not in this program`, `"make run"`)
		program.command(t, nil, "run", "--help").succeeds(t, `"make run"`)
		program.command(t, nil, "--help").succeeds(t, "not in this program")
	})
	t.Run("SQLite is refused by the setting's name", func(t *testing.T) {
		for _, args := range [][]string{{"migrate", "up"}, {"migrate", "status"}, {"user", "ada"}} {
			program.command(t, service.Vars{"SQLITE_PATH": "users.db"}, args...).fails(t, 1, "SQLITE_PATH: SQLite is not in this program", "MYSQL_HOST")
		}
		r := program.command(t, nats.With(service.Vars{"SQLITE_PATH": "users.db"}), "config", "user-writer")
		r.fails(t, 1, "checks failed")
		r.prints(t, "FAILED  settings    SQLITE_PATH: SQLite is not in this program")
	})
	t.Run("an operator's commands are there", func(t *testing.T) {
		program.command(t, nats, "streams", "apply").succeeds(t)
		program.command(t, nats, "dlq", "list").succeeds(t)
		program.command(t, nats, "config", "watchdog").succeeds(t, "ok      nats")
		program.command(t, nil, "token", "ada").succeeds(t)
		program.command(t, nil, "keygen", "seal").succeeds(t)
		program.command(t, nil, "nats-config").succeeds(t, "accounts")
		program.command(t, nil, "secrets", t.TempDir()).succeeds(t)
	})
}
