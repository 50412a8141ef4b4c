package e2e

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/create-user/create-user/test/e2e/harness"
)

// development starts createuser run on free ports and returns its variables.
func development(t testing.TB, out *harness.Logs) map[string]string {
	t.Helper()
	metrics := harness.FreePort(t)
	vars := map[string]string{ // the other commands find it by these, too
		"NATS_PORT": harness.FreePort(t), "REDIS_PORT": harness.FreePort(t), "ENCRYPT_PORT": harness.FreePort(t), "NOTIFIER_PORT": harness.FreePort(t), "METRICS_PORT": metrics,
		"CONSOLE_PORT":     harness.FreePort(t),
		"CREATE_USER_DATA": t.TempDir(),
	}
	p := harness.StartProcess(t, vars, out, "createuser", "run")
	harness.WaitReady(t, "http://127.0.0.1:"+metrics+"/readyz", p)
	return vars
}

func TestDevelopment_WalkThrough(t *testing.T) {
	t.Parallel()
	out := &harness.Logs{}
	vars := development(t, out)
	clients := harness.Listen(t, "http://127.0.0.1:"+vars["NOTIFIER_PORT"])

	token := strings.TrimSpace(harness.MustCommand(t, vars, "token", "ada"))
	code := strings.TrimSpace(harness.MustCommand(t, vars, "code", "ada"))
	if strings.ContainsAny(token+code, " \n") {
		t.Errorf("token %q and code %q: want the value alone", token, code)
	}
	clients.Join("ada", token)
	submitted := harness.MustCommand(t, vars, "submit", "--id", "ada", "--token", token, "--code", code,
		"--phone", "+4915187654321", "--password", "wrong zebra", "--username", "Ada")
	if !strings.Contains(submitted, "1  created") {
		t.Errorf("submit printed:\n%s", submitted)
	}
	watched := harness.MustCommand(t, vars, "watch", "ada")
	if !regexp.MustCompile(`(?s)token-verified.*code-checked.*encrypted.*created.*completed`).MatchString(watched) {
		t.Errorf("watch printed:\n%s", watched)
	}
	if got := clients.Hear("ada", 1); !got.Status || got.Message != "User created successfully" {
		t.Errorf("heard %+v", got)
	}
	user := harness.MustCommand(t, vars, "user", "ada")
	if !strings.Contains(user, "Ada") || strings.Contains(user, "wrong zebra") || strings.Contains(user, "+4915187654321") {
		t.Errorf("user printed:\n%s", user)
	}
	for _, secret := range []string{"wrong zebra", "+4915187654321", token} {
		if strings.Contains(out.String(), secret) {
			t.Error("a secret stands in the log")
		}
	}
}

func TestDevelopment_ATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	vars := map[string]string{
		"NATS_PORT": harness.FreePort(t), "REDIS_PORT": port, "ENCRYPT_PORT": harness.FreePort(t), "NOTIFIER_PORT": harness.FreePort(t),
		"METRICS_PORT": harness.FreePort(t), "CONSOLE_PORT": harness.FreePort(t), "CREATE_USER_DATA": t.TempDir(),
	}
	if _, err := harness.Command(t, vars, "", "run"); err == nil || !strings.Contains(err.Error(), "REDIS_PORT") {
		t.Errorf("error = %v, want one that names REDIS_PORT", err)
	}
}

func TestDevelopment_SecretsAreRefusedElsewhere(t *testing.T) {
	t.Parallel()
	vars := development(t, &harness.Logs{})
	vars["CREATE_USER_MODE"] = "production"
	for _, args := range [][]string{{"run"}, {"token", "ada"}, {"code", "ada"}} {
		if _, err := harness.Command(t, vars, "", args...); err == nil {
			t.Errorf("createuser %v works in production mode", args)
		}
	}
}

func TestSubmit_ReportsWhatCannotBePublished(t *testing.T) {
	t.Parallel()
	vars := development(t, &harness.Logs{})
	for name, c := range map[string]struct{ input, want string }{
		"NDJSON": {"{\"Id\":\"a\",\"Token\":\"t\",\"Code\":\"1\",\"Phone\":\"1\",\"Password\":\"p\",\"Username\":\"u\"}\nnonsense\n{\"Id\":\"b\"}\n", "line 2"},
		"CSV":    {"Id,Token,Code,Phone,Password,Username\na,t,1,1,p,u\nb,t\n", "line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := harness.Command(t, vars, c.input, "submit", "--file", "-")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one that names %q", err, c.want)
			}
			if !strings.Contains(out, "1 stored") {
				t.Errorf("printed:\n%s", out)
			}
		})
	}
}
