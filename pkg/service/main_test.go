package service_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/service"
)

// roleVariable makes the test binary a service: its value is what Run does.
const roleVariable = "SERVICE_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		os.Exit(service.Main(fake(role)))
	}
	goleak.VerifyTestMain(m)
}

// fake is the service that the test binary is in a role.
func fake(role string) service.Service {
	return service.Service{
		Description: service.Description{Name: "fake", About: "does nothing, well", Help: service.WriteHelp[settings]},
		Run: func(ctx context.Context, env *service.Env) error {
			switch role {
			case "fails":
				return errors.New("it broke")
			case "settings":
				_, err := service.Load[settings](env.Vars)
				return fmt.Errorf("fake: %w", err)
			}
			<-ctx.Done()
			return nil
		},
	}
}

// command returns the test binary as a service in a role.
func command(t testing.TB, role string, vars service.Vars, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = []string{roleVariable + "=" + role}
	defaults := service.Vars{"DEAD_LETTER_PUBLIC_KEY": service.DevDeadLetterPublicKey, "CREATE_USER_MODE": "development", "METRICS_PORT": "0", "NATS_URL": "nats://127.0.0.1:1"}
	for name, value := range defaults.With(vars) {
		c.Env = append(c.Env, name+"="+value)
	}
	return c
}

func TestMain_ExitCodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role   string
		vars   service.Vars
		args   []string
		code   int
		stdout []string
		stderr string
	}{
		"--help prints both tables of settings": {
			args: []string{"--help"}, code: 0,
			stdout: []string{"fake: does nothing, well", "NAME_FILE", "Its own:\n  T_WAIT", "JWT_SECRET  (required)", "Shared by all services:\n  NATS_URL", "LOG_LEVEL"},
		},
		"-h does too":         {args: []string{"-h"}, code: 0, stdout: []string{"T_WAIT"}},
		"--version prints it": {args: []string{"--version"}, code: 0, stdout: []string{"fake "}},
		"an unknown argument is refused": {
			args: []string{"--port=9"}, code: 2, stderr: `fake: unknown argument "--port=9": settings come from the environment, see --help`,
		},
		"a wrong shared setting is named": {
			vars: service.Vars{"METRICS_PORT": "many"}, code: 2, stderr: "fake: METRICS_PORT cannot be read as a number from 0 to 65535",
		},
		"a missing shared setting is named": {
			vars: service.Vars{"DEAD_LETTER_PUBLIC_KEY": ""}, code: 2, stderr: "fake: DEAD_LETTER_PUBLIC_KEY is not set",
		},
		"a key that is none is named": {
			vars: service.Vars{"DEAD_LETTER_PUBLIC_KEY": "sesame"}, code: 2, stderr: "fake: DEAD_LETTER_PUBLIC_KEY: public key: want",
		},
		"wrong settings of NATS are named": {
			vars: service.Vars{"NATS_CERT": "/nowhere"}, code: 2, stderr: "fake: NATS_CERT and NATS_KEY belong together",
		},
		"a development secret is refused elsewhere": {
			vars: service.Vars{"CREATE_USER_MODE": "production"}, code: 2, stderr: "fake: DEAD_LETTER_PUBLIC_KEY holds the public development value",
		},
		"a wrong setting of its own is named": {
			role: "settings", vars: service.Vars{"T_PORT": "sesame", "JWT_SECRET": "s"}, code: 2, stderr: "fake: fake: T_PORT cannot be read",
		},
		"a service that fails says why": {role: "fails", code: 1, stderr: "fake: it broke"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			role := c.role
			if role == "" {
				role = "waits"
			}
			var stdout, stderr bytes.Buffer
			cmd := command(t, role, c.vars, c.args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != c.code {
				t.Errorf("exit code %d, want %d; stderr: %s", got, c.code, &stderr)
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("printed:\n%s\nwant %q", &stdout, want)
				}
			}
			if !strings.HasPrefix(stderr.String(), c.stderr) || (stderr.Len() > 0) != (c.stderr != "") {
				t.Errorf("stderr: %q, want %q", &stderr, c.stderr)
			}
			if strings.Contains(stderr.String(), "sesame") {
				t.Errorf("a value is shown: %s", &stderr)
			}
		})
	}
}

func TestMain_StopsWithSuccessWhenTold(t *testing.T) {
	t.Parallel()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd := command(t, "waits", nil)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for lines.Scan() && !strings.Contains(lines.Text(), "listening") {
				t.Log(lines.Text())
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, out); err != nil {
				t.Error(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}

func TestMain_APortThatIsTakenIsNamed(t *testing.T) {
	t.Parallel()
	_, port := taken(t)
	var stderr bytes.Buffer
	cmd := command(t, "waits", service.Vars{"METRICS_PORT": port})
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.HasPrefix(stderr.String(), "fake: METRICS_PORT: cannot listen on 127.0.0.1:"+port) {
		t.Errorf("exit code %d: %s", got, &stderr)
	}
}

// receive waits for a signal.
func receive[T any](t testing.TB, signal <-chan T, what string) T {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	select {
	case v := <-signal:
		return v
	case <-limit.C:
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}
