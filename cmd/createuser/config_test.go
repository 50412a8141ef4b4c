package main

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
)

func TestConfig_ShowsSettingsWithTheirSourcesAndWhatWasFound(t *testing.T) {
	t.Parallel()
	_, nats := bareNATS(t)
	redis := miniredis.RunT(t)
	encryption, err := standin.New([]byte(service.DevEncryptKey))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(encryption)
	t.Cleanup(server.Close)
	data := t.TempDir()
	vars := nats.With(service.Vars{
		"PORT_DB_CODE": redis.Port(), "ENCRYPT_URL": server.URL + "/", "CREATE_USER_DATA": data, "PORT": "0",
	})
	command(t, vars, "streams", "apply").succeeds(t)
	command(t, vars, "migrate", "up").succeeds(t)
	r := command(t, vars, "config")
	r.succeeds(t, "\nuser-writer: ", "ok      database", "SQLite in "+data, "ok      redis", "ok      encryption  it encrypts, and needs ENCRYPT_XML=standard",
		"ok      token keys  HS256 with JWT_SECRET")
	for _, line := range []string{
		`REDIS_URL +redis://127.0.0.1:` + redis.Port() + `/0 +PORT_DB_CODE`, `METRICS_PORT +0 +PORT`,
		`ENCRYPT_TIMEOUT +4s +default`, `ENCRYPT_URL +` + server.URL + `/ +variable`, `JWT_SECRET +\*{8} +variable`,
	} {
		if !regexp.MustCompile(`(?m)^  ` + line + `$`).MatchString(r.out) {
			t.Errorf("no line %s in:\n%s", line, r.out)
		}
	}
	for name, secret := range service.DevSecrets() {
		if strings.Contains(r.out, secret) && !strings.Contains(name, "PUBLIC") {
			t.Errorf("%s is shown", name)
		}
	}
}

func TestConfig_SaysExactlyWhatFails(t *testing.T) {
	t.Parallel()
	_, empty := bareNATS(t)
	for name, c := range map[string]struct {
		service string
		vars    service.Vars
		want    string
	}{
		"no NATS":            {"watchdog", service.Vars{"NATS_URL": "nats://127.0.0.1:1"}, "FAILED  nats        NATS_URL: no NATS server answers at nats://127.0.0.1:1"},
		"no streams":         {"watchdog", empty, `stream USER_CREATE_EVENTS is missing: run "createuser streams apply"`},
		"no consumer":        {"code-checker", empty, "consumer claim-releaser is missing"},
		"no Redis":           {"code-checker", empty.With(service.Vars{"REDIS_URL": "redis://127.0.0.1:1"}), "FAILED  redis       REDIS_URL: no Redis answers at 127.0.0.1:1"},
		"no Redis URL":       {"code-checker", empty.With(service.Vars{"REDIS_URL": "sesame"}), "FAILED  settings    REDIS_URL: want redis://"},
		"no database":        {"user-writer", empty.With(service.Vars{"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "1", "SQLITE_PATH": ""}), "FAILED  database    MYSQL_HOST, MYSQL_PORT: no database answers there"},
		"no encryption":      {"encryptor", empty.With(service.Vars{"PORT_ENCRYPT": "1"}), "FAILED  encryption  ENCRYPT_URL: the encryption service does not encrypt"},
		"no Socket.IO":       {"notifier", empty.With(service.Vars{"PORT_MESSAGES_USERS": "1"}), "FAILED  socket.io   NOTIFIER_RELAY_URL: no Socket.IO 4 server lets us in there"},
		"no relay consumer":  {"notifier", empty.With(service.Vars{"PORT_MESSAGES_USERS": "1"}), "consumer notifier is missing"},
		"no keys of tokens":  {"token-verifier", empty.With(service.Vars{"JWT_SECRET": "short"}), "FAILED  token keys  JWT_SECRET: has 5 bytes"},
		"no number":          {"watchdog", empty.With(service.Vars{"PORT": "sesame"}), "METRICS_PORT (from PORT) cannot be read as a number"},
		"a wrong XML mode":   {"encryptor", empty.With(service.Vars{"ENCRYPT_XML": "loose"}), "ENCRYPT_XML: want standard or raw"},
		"a wrong relay mode": {"notifier", empty.With(service.Vars{"NOTIFIER_MODE": "loose"}), "NOTIFIER_MODE: want serve or relay"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := command(t, service.Vars{"CREATE_USER_DATA": t.TempDir()}.With(c.vars), "config", c.service)
			r.fails(t, 1, "checks failed")
			r.prints(t, c.want)
			if strings.Contains(r.out+r.err, "sesame") && c.service != "watchdog" && c.service != "code-checker" {
				t.Errorf("a value is shown:\n%s", r.out)
			}
		})
	}
	command(t, nil, "config", "postman").fails(t, 1, `there is no service "postman": want one of token-verifier, `)
}

func TestConfig_EverySecretIsMasked(t *testing.T) {
	t.Parallel()
	vars := service.DevSecrets().With(service.Vars{"NATS_PASSWORD": "sesame", "NOTIFIER_RELAY_TOKEN": "sesame", "MYSQL_PASSWORD": "sesame"})
	secret := regexp.MustCompile(`SECRET$|PASSWORD$|TOKEN$|PRIVATE`)
	found := 0
	for _, s := range append(services(nil), service.Service{Describe: service.Describe[service.Settings]}) {
		if s.Describe == nil {
			continue
		}
		settings, err := s.Describe(vars)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range settings {
			if !secret.MatchString(setting.Name) {
				continue
			}
			if found++; setting.Value != "********" {
				t.Errorf("%s is shown as %q", setting.Name, setting.Value)
			}
		}
	}
	if found < 6 {
		t.Errorf("%d secrets, want 6 or more", found)
	}
}

func TestNewTool_SaysWhereVariablesComeFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("REDIS_URL=redis://of-the-file\nNATS_URL=nats://of-the-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tool, err := newTool(service.Vars{"NATS_URL": "nats://mine"}, file)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"REDIS_URL": ".env", "NATS_URL": "", "JWT_SECRET": "development default", "CREATE_USER_MODE": "development default"} {
		if tool.from[name] != want {
			t.Errorf("%s is from %q, want %q", name, tool.from[name], want)
		}
	}
	if tool.vars["REDIS_URL"] != "redis://of-the-file" || tool.vars["NATS_URL"] != "nats://mine" {
		t.Errorf("the variables are %v", tool.vars)
	}
	elsewhere, err := newTool(service.Vars{"CREATE_USER_MODE": "production"}, file)
	if err != nil || elsewhere.vars["REDIS_URL"] != "" {
		t.Errorf("in production the file is read: %v, %v", elsewhere.vars, err)
	}
}
