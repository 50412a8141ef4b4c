package e2e

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"testing"
)

// development starts createuser run on free ports and returns its variables.
func development(t testing.TB, out *logs) map[string]string {
	t.Helper()
	nats, redis, metrics := freePort(t), freePort(t), freePort(t)
	vars := map[string]string{
		"NATS_PORT": nats, "REDIS_PORT": redis, "ENCRYPT_PORT": freePort(t), "NOTIFIER_PORT": freePort(t), "METRICS_PORT": metrics,
		"CREATE_USER_DATA": t.TempDir(),
	}
	p := startProcess(t, vars, out, "createuser", "run")
	waitReady(t, "http://127.0.0.1:"+metrics+"/readyz", p)
	vars["NATS_URL"] = "nats://127.0.0.1:" + nats
	vars["REDIS_URL"] = "redis://127.0.0.1:" + redis + "/0"
	return vars
}

func TestDevelopment_WalkThrough(t *testing.T) {
	t.Parallel()
	out := &logs{}
	vars := development(t, out)
	clients := listen(t, "http://127.0.0.1:"+vars["NOTIFIER_PORT"])

	token := strings.TrimSpace(mustCommand(t, vars, "token", "ada"))
	code := strings.TrimSpace(mustCommand(t, vars, "code", "ada"))
	if strings.ContainsAny(token+code, " \n") {
		t.Errorf("token %q and code %q: want the value alone", token, code)
	}
	clients.join("ada", token)
	submitted := mustCommand(t, vars, "submit", "--id", "ada", "--token", token, "--code", code,
		"--phone", "+4915187654321", "--password", "wrong zebra", "--username", "Ada")
	if !strings.Contains(submitted, "1  created") {
		t.Errorf("submit printed:\n%s", submitted)
	}
	watched := mustCommand(t, vars, "watch", "ada")
	if !regexp.MustCompile(`(?s)token-verified.*code-checked.*encrypted.*created.*completed`).MatchString(watched) {
		t.Errorf("watch printed:\n%s", watched)
	}
	if got := clients.hear("ada", 1); !got.Status || got.Message != "User created successfully" {
		t.Errorf("heard %+v", got)
	}
	user := mustCommand(t, vars, "user", "ada")
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
		"NATS_PORT": freePort(t), "REDIS_PORT": port, "ENCRYPT_PORT": freePort(t), "NOTIFIER_PORT": freePort(t),
		"METRICS_PORT": freePort(t), "CREATE_USER_DATA": t.TempDir(),
	}
	if _, err := command(t, vars, "", "run"); err == nil || !strings.Contains(err.Error(), "REDIS_PORT") {
		t.Errorf("error = %v, want one that names REDIS_PORT", err)
	}
}

func TestDevelopment_SecretsAreRefusedElsewhere(t *testing.T) {
	t.Parallel()
	vars := development(t, &logs{})
	vars["CREATE_USER_MODE"] = "production"
	for _, args := range [][]string{{"run"}, {"token", "ada"}, {"code", "ada"}} {
		if _, err := command(t, vars, "", args...); err == nil {
			t.Errorf("createuser %v works in production mode", args)
		}
	}
}

func TestSubmit_ReportsWhatCannotBePublished(t *testing.T) {
	t.Parallel()
	vars := development(t, &logs{})
	for name, c := range map[string]struct{ input, want string }{
		"NDJSON": {"{\"Id\":\"a\",\"Token\":\"t\",\"Code\":\"1\",\"Phone\":\"1\",\"Password\":\"p\",\"Username\":\"u\"}\nnonsense\n{\"Id\":\"b\"}\n", "line 2"},
		"CSV":    {"Id,Token,Code,Phone,Password,Username\na,t,1,1,p,u\nb,t\n", "line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := command(t, vars, c.input, "submit", "--file", "-")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one that names %q", err, c.want)
			}
			if !strings.Contains(out, "1 stored") {
				t.Errorf("printed:\n%s", out)
			}
		})
	}
}
