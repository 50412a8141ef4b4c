//go:build !deployed

package main

import (
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
	"github.com/create-user/create-user/services/user-writer/store"
)

func TestMigrateAndUser_OnSQLite(t *testing.T) {
	t.Parallel()
	vars := service.Vars{"SQLITE_PATH": filepath.Join(t.TempDir(), "users.db")}
	command(t, vars, "migrate", "status").succeeds(t, "pending")
	command(t, vars, "migrate", "up").succeeds(t, "applied ", "none pending")
	command(t, vars, "migrate", "up").succeeds(t, "0 applied, none pending")
	status := command(t, vars, "migrate", "status")
	status.succeeds(t)
	if strings.Contains(status.out, "pending") {
		t.Errorf("printed:\n%s", status.out)
	}
	command(t, vars, "user", "ada").fails(t, 1, `no user with the Id "ada"`)

	users, err := store.OpenSQLite(t.Context(), vars["SQLITE_PATH"])
	if err != nil {
		t.Fatal(err)
	}
	_, err = users.Insert(t.Context(), []store.User{{
		Key: store.Key{Saga: "signup-1", User: event.UserHash("ada")}, ID: "ada", Phone: "sealed-phone", Password: "sealed-password", Name: "Ada", Image: strings.Repeat("i", 100),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := users.Close(); err != nil {
		t.Fatal(err)
	}
	command(t, vars, "user", "ada").succeeds(t,
		"Id        ada\nName      Ada\nPhone     sealed-phone\nPassword  sealed-password\nImage     "+strings.Repeat("i", 60)+"… (100 bytes)\nSaga      signup-1\n")
}

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
