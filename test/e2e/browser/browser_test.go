// Package browser tests the console and the sign-up page in a real browser,
// against everything that "createuser run" starts.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
	"github.com/create-user/create-user/test/parts"
)

func TestMain(m *testing.M) { parts.Main(m) }

// allTime bounds the whole visit of the browser.
const allTime = 8 * time.Minute

// system is everything in one process, which can be restarted, and a second
// console that may only look.
type system struct {
	t    *testing.T
	vars map[string]string
	out  harness.Logs
	all  *harness.Process
}

func start(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, vars: map[string]string{"CREATE_USER_DATA": t.TempDir()}}
	for _, name := range []string{"NATS_PORT", "REDIS_PORT", "ENCRYPT_PORT", "NOTIFIER_PORT", "CONSOLE_PORT", "METRICS_PORT"} {
		s.vars[name] = harness.FreePort(t)
	}
	s.start()
	return s
}

func (s *system) start() {
	s.t.Helper()
	s.all = harness.StartProcess(s.t, s.vars, &s.out, "createuser", "run")
	harness.WaitReady(s.t, "http://127.0.0.1:"+s.vars["METRICS_PORT"]+"/readyz", s.all)
}

func (s *system) url() string { return "http://127.0.0.1:" + s.vars["CONSOLE_PORT"] }

// readOnly starts the console's own program, without the right to act.
func (s *system) readOnly() string {
	s.t.Helper()
	port, metrics := harness.FreePort(s.t), harness.FreePort(s.t)
	p := harness.StartProcess(s.t, map[string]string{
		"CREATE_USER_MODE": service.ModeDevelopment, "NATS_URL": "nats://127.0.0.1:" + s.vars["NATS_PORT"],
		"CONSOLE_PORT": port, "CONSOLE_TOKEN": service.DevConsoleToken, "CONSOLE_READ_ONLY": "true",
		"DEAD_LETTER_PUBLIC_KEY": service.DevDeadLetterPublicKey, "METRICS_PORT": metrics,
	}, &s.out, "console")
	harness.WaitReady(s.t, "http://127.0.0.1:"+metrics+"/readyz", p)
	return "http://127.0.0.1:" + port
}

// line is what the script prints.
type line struct {
	Check, Error, Ask string
}

func TestConsole_InABrowser(t *testing.T) {
	s := start(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; install it with: make setup", err)
	}
	folder, err := filepath.Abs("page")
	if err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]string{
		"url": s.url(), "readOnlyURL": s.readOnly(), "token": service.DevConsoleToken, "browser": chromium,
		"shots": filepath.Join(folder, "screenshots"),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), allTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, parts.Node(t, folder), "run.mjs", string(config))
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = folder, &s.out, 10*time.Second
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	checks := s.follow(stdout, stdin)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the browser's script: %v\n%s", err, s.out.String())
	}
	if checks == 0 {
		t.Error("nothing was checked")
	}
}

// follow makes each check of the script a subtest and answers what it asks for.
func (s *system) follow(stdout io.Reader, stdin io.Writer) (checks int) {
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			s.t.Errorf("the script printed %q", lines.Text())
			continue
		}
		switch l.Ask {
		case "stop":
			s.all.Stop(s.t)
		case "start":
			s.start()
		default:
			checks++
			s.t.Run(l.Check, func(t *testing.T) {
				if l.Error != "" {
					t.Error(l.Error)
				}
			})
			continue
		}
		if _, err := stdin.Write([]byte("done\n")); err != nil {
			s.t.Errorf("tell the script: %v", err)
		}
	}
	return checks
}
