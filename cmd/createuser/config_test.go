package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/create-user/create-user/pkg/service"
)

func TestConfig_SaysExactlyWhatFails(t *testing.T) {
	t.Parallel()
	_, empty := bareNATS(t)
	for name, c := range map[string]struct {
		service string
		vars    service.Vars
		want    string
	}{
		"no NATS":               {"watchdog", service.Vars{"NATS_URL": "nats://127.0.0.1:1"}, "FAILED  nats        NATS_URL: no NATS server answers at nats://127.0.0.1:1"},
		"no streams":            {"watchdog", empty, `stream USER_CREATE_EVENTS is missing: run "createuser streams apply"`},
		"no consumer":           {"code-checker", empty, "consumer claim-releaser is missing"},
		"no Redis":              {"code-checker", empty.With(service.Vars{"REDIS_URL": "redis://127.0.0.1:1"}), "FAILED  redis       REDIS_URL: no Redis answers at 127.0.0.1:1"},
		"no Redis URL":          {"code-checker", empty.With(service.Vars{"REDIS_URL": "sesame"}), "FAILED  settings    REDIS_URL: want redis://"},
		"no database":           {"user-writer", empty.With(service.Vars{"MYSQL_HOST": "127.0.0.1", "MYSQL_PORT": "1", "SQLITE_PATH": ""}), "FAILED  database    MYSQL_HOST, MYSQL_PORT: no database answers there"},
		"no encryption":         {"encryptor", empty.With(service.Vars{"PORT_ENCRYPT": "1"}), "FAILED  encryption  ENCRYPT_URL: the encryption service does not encrypt"},
		"no Socket.IO":          {"notifier", empty.With(service.Vars{"PORT_MESSAGES_USERS": "1"}), "FAILED  socket.io   NOTIFIER_RELAY_URL: no Socket.IO 4 server lets us in there"},
		"no relay consumer":     {"notifier", empty.With(service.Vars{"PORT_MESSAGES_USERS": "1"}), "consumer notifier is missing"},
		"no Redis of Bull":      {"bull-bridge", empty.With(service.Vars{"BULL_USERS_HOST": "127.0.0.1", "BULL_USERS_PORT": "1"}), "FAILED  bull        BULL_REDIS_URL: no Redis answers at 127.0.0.1:1"},
		"no NATS for Bull":      {"bull-bridge", service.Vars{"NATS_URL": "nats://127.0.0.1:1"}, "FAILED  nats        NATS_URL: no NATS server answers"},
		"a wrong Bull URL":      {"bull-bridge", empty.With(service.Vars{"BULL_REDIS_URL": "http://"}), "FAILED  settings    BULL_REDIS_URL: want redis://"},
		"no jobs at once":       {"bull-bridge", empty.With(service.Vars{"BULL_CONCURRENCY": "0"}), "FAILED  settings    BULL_CONCURRENCY: want at least 1"},
		"no Bull queue at all":  {"", empty.With(service.Vars{"BULL_USERS_PORT": "1"}), "FAILED  bull        BULL_REDIS_URL: no Redis answers at 127.0.0.1:1"},
		"a short console token": {"console", empty.With(service.Vars{"CONSOLE_TOKEN": "sesame"}), "FAILED  settings    CONSOLE_TOKEN: want at least 20 characters"},
		"no keys of tokens":     {"token-verifier", empty.With(service.Vars{"JWT_SECRET": "short"}), "FAILED  token keys  JWT_SECRET: has 5 bytes"},
		"no number":             {"watchdog", empty.With(service.Vars{"PORT": "sesame"}), "METRICS_PORT (from PORT) cannot be read as a number"},
		"a wrong XML mode":      {"encryptor", empty.With(service.Vars{"ENCRYPT_XML": "loose"}), "ENCRYPT_XML: want standard or raw"},
		"a wrong relay mode":    {"notifier", empty.With(service.Vars{"NOTIFIER_MODE": "loose"}), "NOTIFIER_MODE: want serve or relay"},
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

func TestConfig_ChecksTheBullQueueOfTheReplacedServicesNames(t *testing.T) {
	t.Parallel()
	_, nats := bareNATS(t)
	command(t, nats, "streams", "apply").succeeds(t)
	redis := miniredis.RunT(t)
	for range 3 {
		if _, err := redis.Push("bull:Create_User:wait", "1"); err != nil {
			t.Fatal(err)
		}
	}
	r := command(t, nats.With(service.Vars{"BULL_USERS_HOST": "127.0.0.1", "BULL_USERS_PORT": redis.Port()}), "config", "bull-bridge")
	r.succeeds(t, "ok      nats", "ok      bull        127.0.0.1:"+redis.Port()+" answers; 3 jobs wait in bull:Create_User")
	if want := `(?m)^  BULL_REDIS_URL +redis://127.0.0.1:` + redis.Port() + `/0 +BULL_USERS_HOST, BULL_USERS_PORT$`; !regexp.MustCompile(want).MatchString(r.out) {
		t.Errorf("no line %s in:\n%s", want, r.out)
	}
	ours := nats.With(service.Vars{"BULL_USERS_PORT": "1", "BULL_REDIS_URL": "redis://" + redis.Addr()})
	command(t, ours, "config", "bull-bridge").succeeds(t, "ok      bull")
	if r := command(t, nats, "config"); strings.Contains(r.out, "bull-bridge") {
		t.Errorf("without a BULL_ variable the bull-bridge is checked:\n%s", r.out)
	}
}

func TestConfig_FetchesTheKeysOfTokensOnce(t *testing.T) {
	t.Parallel()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key := fmt.Sprintf(`{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": %q}`, base64.RawURLEncoding.EncodeToString(public))
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers := map[string]string{"/one": `{"keys": [` + key + `]}`, "/none": `{"keys": []}`, "/page": "<html>sesame</html>"}
		if answers[r.URL.Path] == "" {
			w.WriteHeader(http.StatusForbidden)
		}
		_, _ = io.WriteString(w, answers[r.URL.Path])
	}))
	t.Cleanup(issuer.Close)
	_, nats := bareNATS(t)
	command(t, nats, "streams", "apply").succeeds(t)
	for name, c := range map[string]struct{ url, want string }{
		"keys":                  {issuer.URL + "/one", "ok      token keys  1 keys from JWT_JWKS_URL"},
		"no keys":               {issuer.URL + "/none", "FAILED  token keys  JWT_JWKS_URL: the issuer's keys cannot be had: the JWK set holds no usable key"},
		"no key set":            {issuer.URL + "/page", "FAILED  token keys  JWT_JWKS_URL: the issuer's keys cannot be had: the answer is not a JWK set"},
		"no entry":              {issuer.URL + "/", "FAILED  token keys  JWT_JWKS_URL: the issuer's keys cannot be had: asking for the JWK set: status 403"},
		"nobody there":          {"http://127.0.0.1:1/sesame", "FAILED  token keys  JWT_JWKS_URL: the issuer's keys cannot be had: asking for the JWK set: dial tcp 127.0.0.1:1"},
		"nothing that is a URL": {"sesame", "FAILED  token keys  JWT_JWKS_URL: is not an http(s) URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := nats.With(service.Vars{"JWT_JWKS_URL": c.url, "JWT_JWKS_ALLOW_HTTP": "true"})
			r := command(t, vars, "config", "token-verifier")
			r.prints(t, c.want)
			if strings.HasPrefix(c.want, "FAILED") {
				r.fails(t, 1, "1 checks failed")
			}
		})
	}
}

func TestConfig_EverySecretIsMasked(t *testing.T) {
	t.Parallel()
	vars := service.DevSecrets().With(service.Vars{"NATS_PASSWORD": "sesame", "NOTIFIER_RELAY_TOKEN": "sesame", "MYSQL_PASSWORD": "sesame"})
	secret := regexp.MustCompile(`SECRET$|PASSWORD$|TOKEN$|PRIVATE`)
	found := 0
	for _, s := range append(descriptions(), service.Description{Describe: service.Describe[service.Settings]}) {
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
