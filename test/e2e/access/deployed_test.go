// Package access tests who may do what on NATS, on a real server with the
// deployed configuration.
package access

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/access"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
	"github.com/create-user/create-user/test/parts"
)

const deployed = "../../../deploy/nats"

// deployment is a NATS server with the deployed configuration, and the secrets
// of everyone who connects.
type deployment struct {
	server  *parts.NATSServer
	secrets string // as "createuser secrets" made them
	store   string // where the streams lie
}

// deploy starts the server. Nothing of the configuration is changed but where
// its files lie.
func deploy(t testing.TB) deployment {
	t.Helper()
	d := deployment{secrets: t.TempDir(), store: t.TempDir()}
	harness.MustCommand(t, nil, "secrets", d.secrets, "--hosts", "127.0.0.1")
	folder := t.TempDir()
	config := read(t, filepath.Join(deployed, "nats.conf"))
	config = strings.ReplaceAll(config, "/etc/nats/", folder+"/")
	config = strings.ReplaceAll(config, `"/data"`, `"`+d.store+`"`)
	write(t, filepath.Join(folder, "nats.conf"), config)
	write(t, filepath.Join(folder, "accounts.conf"), read(t, filepath.Join(deployed, "accounts.conf")))
	if err := os.Symlink(filepath.Join(d.secrets, "nats"), filepath.Join(folder, "secrets")); err != nil {
		t.Fatal(err)
	}
	d.server = parts.NATSConfigured(t, filepath.Join(folder, "nats.conf"))
	return d
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// vars returns the variables with which a peer connects.
func (d deployment) vars(name string) service.Vars {
	return service.Vars{
		"NATS_URL":            strings.Replace(d.server.URL, "nats://", "tls://", 1),
		"NATS_API_PREFIX":     access.APIPrefix,
		"NATS_CA":             filepath.Join(d.secrets, name, "nats-ca.crt"),
		"NATS_NKEY_SEED_FILE": filepath.Join(d.secrets, name, "nats.seed"),
	}
}

// connect connects as a peer.
func (d deployment) connect(t testing.TB, name string) (*nats.Conn, service.NATSSettings) {
	t.Helper()
	settings, err := service.Load[service.NATSSettings](d.vars(name))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := service.Connect(settings, name, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, settings
}

func TestAccounts_TheFileIsWhatThePathSays(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	if err := access.WriteConfig(&want, access.Peers()); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(deployed, "accounts.conf")) != want.String() {
		t.Error(`deploy/nats/accounts.conf is not up to date: run "make generate"`)
	}
}
