//go:build !deployed

package main

import (
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/service"
)

// takenPort returns a port that somebody listens on.
func takenPort(t testing.TB) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("not TCP")
	}
	return strconv.Itoa(address.Port)
}

func TestRun_NamesEveryPortThatIsTakenBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	vars := service.Vars{"CREATE_USER_DATA": data, "ENCRYPT_URL": "http://127.0.0.1:1/", "NOTIFIER_PORT": "0", "CONSOLE_PORT": "0", "METRICS_PORT": "0"}
	for _, name := range []string{"NATS_PORT", "REDIS_PORT", "ENCRYPT_PORT"} {
		vars[name] = takenPort(t)
	}
	r := command(t, vars, "run")
	r.fails(t, 1, "NATS_PORT: port "+vars["NATS_PORT"]+" cannot be opened", "REDIS_PORT: port "+vars["REDIS_PORT"])
	if strings.Contains(r.err, "ENCRYPT_PORT") { // its service is elsewhere
		t.Errorf("stderr: %s", r.err)
	}
	if left, err := filepath.Glob(filepath.Join(data, "*")); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestRun_NamesTheSettingThatIsWrong(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	writeFile(t, file, "")
	for want, vars := range map[string]service.Vars{
		"CREATE_USER_DATA: ":             {"CREATE_USER_DATA": filepath.Join(file, "data")},
		"METRICS_PORT cannot be read":    {"METRICS_PORT": "99999"},
		"LOG_LEVEL cannot be read":       {"LOG_LEVEL": "sesame"},
		`CREATE_USER_MODE is "staging"`:  {"CREATE_USER_MODE": "staging"},
		"NATS_PORT cannot be read as a ": {"NATS_PORT": "sesame"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			r := command(t, service.Vars{"CREATE_USER_DATA": t.TempDir()}.With(vars), "run")
			r.fails(t, 1, want)
			if strings.Contains(r.err, "sesame") {
				t.Errorf("the value is shown: %s", r.err)
			}
		})
	}
}

func TestRun_IsForDevelopmentAlone(t *testing.T) {
	t.Parallel()
	command(t, service.Vars{"CREATE_USER_MODE": "production"}, "run").fails(t, 1, `CREATE_USER_MODE is "production"`)
}

func TestRun_ItsHelpNamesThePorts(t *testing.T) {
	t.Parallel()
	command(t, nil, "run", "--help").succeeds(t, "NOTIFIER_PORT (4003)", "CREATE_USER_DATA (.create-user)")
}

func TestServices_AreThoseThatConfigDescribes(t *testing.T) {
	t.Parallel()
	var run, described []string
	for _, s := range services(nil) {
		run = append(run, s.Name)
	}
	for _, d := range descriptions() {
		described = append(described, d.Name)
	}
	if diff := cmp.Diff(run, described); diff != "" {
		t.Errorf("services (-run +described):\n%s", diff)
	}
}

func TestExports_NameWhatWasMoved(t *testing.T) {
	t.Parallel()
	if got := exports(service.Vars{"NOTIFIER_PORT": "1", "NATS_URL": "nats://u:p@host"}); got != "" {
		t.Errorf("exports %q", got)
	}
	want := "  export REDIS_PORT='6380' CREATE_USER_DATA='ada'\\''s'\n"
	if got := exports(service.Vars{"REDIS_PORT": "6380", "CREATE_USER_DATA": "ada's"}); got != want {
		t.Errorf("exports %q, want %q", got, want)
	}
}

func TestWithoutCredentials(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"nats://127.0.0.1:4222":                   "nats://127.0.0.1:4222",
		"nats://ada:sesame@one:4222,nats://x@two": "nats://one:4222, nats://two",
		"rediss://:sesame@one:6379/3":             "rediss://one:6379/3",
		"https://one/encrypt?key=sesame":          "https://one/encrypt",
		"ses ame@one:x":                           "(as set)",
		"nats://ada:ses/ame@one:4222":             "(as set)",
	} {
		if got := withoutCredentials(in); got != want {
			t.Errorf("withoutCredentials(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestDevelopmentSecrets_ListsThoseInUse(t *testing.T) {
	t.Parallel()
	got := developmentSecrets(service.DevSecrets().With(service.Vars{"JWT_SECRET": "mine"}))
	if strings.Contains(got, "JWT_SECRET") || strings.Contains(got, "mine") || !strings.Contains(got, "  SEAL_PUBLIC_KEY="+service.DevSealPublicKey+"\n") {
		t.Errorf("listed:\n%s", got)
	}
}
