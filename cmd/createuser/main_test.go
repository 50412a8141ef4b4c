package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/service"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRun_AWrongCommandLineIsCode2(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no command":                  {nil, "expected one of"},
		"an unknown command":          {[]string{"fly"}, "unexpected argument fly"},
		"a group without its command": {[]string{"dlq"}, "expected one of"},
		"an unknown flag":             {[]string{"submit", "--pasword", "sesame"}, "unknown flag --pasword"},
		"a number that is none":       {[]string{"submit", "--rate", "fast"}, "--rate"},
		"a duration that is none":     {[]string{"dlq", "list", "--newer", "soon"}, "--newer"},
		"a choice that is none":       {[]string{"dlq", "list", "--reason", "boredom"}, "--reason"},
		"a format that is none":       {[]string{"submit", "--format", "xml"}, "--format"},
		"a missing argument":          {[]string{"watch"}, "<id|saga>"},
		"one argument too many":       {[]string{"user", "ada", "bob"}, "unexpected argument bob"},
		"a key pair for nothing":      {[]string{"keygen", "doors"}, "seal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := command(t, nil, c.args...)
			r.fails(t, 2, c.want, "see --help")
			if r.out != "" {
				t.Errorf("printed: %s", r.out)
			}
		})
	}
}

func TestRun_AFailureIsCode1(t *testing.T) {
	t.Parallel()
	command(t, service.Vars{"CREATE_USER_MODE": "production"}, "token", "ada").fails(t, 1, "CREATE_USER_MODE")
}

func TestHelp_OfEveryCommand(t *testing.T) {
	t.Parallel()
	commands := map[string]string{
		"":               "Create User registers users reliably",
		"run":            runHelp,
		"submit":         "NDJSON, or CSV with a header line",
		"watch":          "<id|saga>",
		"dlq":            "list, show, replay or discard",
		"dlq list":       "--reason",
		"dlq show":       "secrets masked",
		"dlq replay":     "--dry-run",
		"dlq discard":    "for good",
		"streams":        "declarations",
		"streams apply":  "Nothing is ever deleted",
		"streams status": "differ",
		"migrate":        "migrations",
		"migrate up":     "pending",
		"migrate status": "applied",
		"keygen":         "--id",
		"code":           "--ttl",
		"token":          "--ttl",
		"user":           "stored row",
		"sample":         "<count>",
		"config":         "Secrets are masked",
		"secrets":        "nkeys, certificate, sealing keys",
		"nats-config":    "who may do what",
		"stand-in":       "encryption stand-in alone",
		"healthcheck":    "health check of its container",
		"version":        "version",
	}
	for name, want := range commands {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := command(t, nil, append(strings.Fields(name), "--help")...)
			if r.code != 0 || r.err != "" {
				t.Errorf("exit code %d: %s", r.code, r.err)
			}
			text := strings.Join(strings.Fields(r.out), " ")
			if !strings.HasPrefix(text, strings.TrimSpace("Usage: createuser "+name)) || !strings.Contains(strings.ToLower(text), strings.ToLower(want)) {
				t.Errorf("printed:\n%s\nwant %q", r.out, want)
			}
		})
	}
	// Each command that is listed has its line above.
	for line := range strings.SplitSeq(command(t, nil, "--help").out, "\n") {
		if fields := strings.Fields(line); strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && len(fields) > 0 && !strings.HasPrefix(fields[0], "-") {
			name := strings.TrimSpace(strings.FieldsFunc(line, func(r rune) bool { return r == '[' || r == '<' || r == '(' })[0])
			if _, ok := commands[name]; !ok {
				t.Errorf("the help of %q is not tested", name)
			}
		}
	}
}

func TestVersion_IsPrinted(t *testing.T) {
	t.Parallel()
	command(t, nil, "version").succeeds(t, "createuser ")
}

func TestWithDefaults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ vars, want service.Vars }{
		"without a mode it is development": {
			nil, service.DevSecrets().With(service.Vars{"CREATE_USER_MODE": "development", "NOTIFIER_ORIGINS": "*", "SAGA_DELIVERY_LIMIT": "3", "SQLITE_PATH": ".create-user/users.db"}),
		},
		"what is set stays, what is set to nothing does not": {
			service.Vars{"JWT_SECRET": "mine", "SEAL_PUBLIC_KEY": "", "CREATE_USER_DATA": "/data", "OTHER": "o"},
			service.DevSecrets().With(service.Vars{
				"JWT_SECRET": "mine", "CREATE_USER_DATA": "/data", "OTHER": "o",
				"CREATE_USER_MODE": "development", "NOTIFIER_ORIGINS": "*", "SAGA_DELIVERY_LIMIT": "3", "SQLITE_PATH": "/data/users.db",
			}),
		},
		"a MySQL server takes the place of SQLite": {
			service.Vars{"MYSQL_HOST": "db"},
			service.DevSecrets().With(service.Vars{"MYSQL_HOST": "db", "CREATE_USER_MODE": "development", "NOTIFIER_ORIGINS": "*", "SAGA_DELIVERY_LIMIT": "3"}),
		},
		"another mode has no defaults": {service.Vars{"CREATE_USER_MODE": "production", "A": ""}, service.Vars{"CREATE_USER_MODE": "production", "A": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, withDefaults(c.vars)); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
}
