package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/access"
)

// secretFiles returns every file below dir and what it holds.
func secretFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSecrets_AreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command(t, nil, "secrets", dir).succeeds(t)
	first := secretFiles(t, dir)
	command(t, nil, "secrets", dir).succeeds(t)
	if diff := cmp.Diff(first, secretFiles(t, dir)); diff != "" {
		t.Errorf("a second run changed them (-first +second):\n%s", diff)
	}
	if err := os.RemoveAll(filepath.Join(dir, "watchdog")); err != nil {
		t.Fatal(err)
	}
	command(t, nil, "secrets", dir).succeeds(t)
	renewed := secretFiles(t, dir)
	if renewed["watchdog/nats.seed"] == first["watchdog/nats.seed"] || renewed["nats/nkeys.conf"] == first["nats/nkeys.conf"] {
		t.Error("what was deleted was not made anew")
	}
	if renewed["encryptor/nats.seed"] != first["encryptor/nats.seed"] {
		t.Error("what was not deleted was made anew")
	}
}

func TestSecrets_EveryoneHasNoneButTheirOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command(t, nil, "secrets", dir).succeeds(t)
	files := secretFiles(t, dir)
	holders := map[string][]string{ // of what opens or signs
		"SEAL_PRIVATE_KEYS":       {"encryptor"},
		"DEAD_LETTER_PRIVATE_KEY": {"console", "createuser"},
		"CONSOLE_TOKEN":           {"console"},
		"JWT_SECRET":              {"createuser", "notifier", "token-verifier"},
		"MYSQL_PASSWORD":          {"createuser", "user-writer"},
		"MYSQL_ROOT_PASSWORD":     {"mysql"},
		"REDIS_URL":               {"bull-bridge", "code-checker", "createuser"},
		"ENCRYPT_KEY":             {"encryption"},
		"authority.pem":           {"authority"},
		"tls.pem":                 {"nats"},
		"jetstream.conf":          {"nats"},
	}
	for name, want := range holders {
		var got []string
		for _, folder := range folders(t, dir) {
			if _, found := files[folder+"/"+name]; found {
				got = append(got, folder)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, p := range access.Peers() {
		if files[p.Name+"/nats.seed"] == "" || !strings.Contains(files["nats/nkeys.conf"], p.KeyVariable()) {
			t.Errorf("%s has no key", p.Name)
		}
	}
}

func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestSecrets_TheCertificateIsRenewedInTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	v := &vault{dir: t.TempDir()}
	certificate := func(hosts []string, at time.Time) string {
		natsCertificate(v, hosts, at)
		if v.err != nil {
			t.Fatal(v.err)
		}
		return secretFiles(t, v.dir)["nats/tls.pem"]
	}
	first := certificate([]string{"nats"}, now)
	if certificate([]string{"nats"}, now.Add(200*24*time.Hour)) != first {
		t.Error("one that is good for months was renewed")
	}
	more := certificate([]string{"nats", "10.0.0.1"}, now)
	if more == first {
		t.Error("one that lacks a host was not renewed")
	}
	if certificate([]string{"nats"}, now.Add(330*24*time.Hour)) == more {
		t.Error("one that ends soon was not renewed")
	}
}

func TestSecrets_ABrokenOneIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	command(t, nil, "secrets", dir).succeeds(t)
	seed := filepath.Join(dir, "encryptor", "nats.seed")
	if err := os.Remove(seed); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(seed, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, nil, "secrets", dir).fails(t, 1, "read an nkey's seed")
}
