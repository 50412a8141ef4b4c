package soap_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/encryptor/soap"
)

const (
	npmDir         = "testdata/npm"
	npmStamp       = ".package-lock.sha256" // in node_modules; of what is installed
	npmRemedy      = "install Node.js 20 and npm (apt-get install -y nodejs npm), then run: cd services/encryptor/soap/testdata/npm && npm ci"
	installTimeout = 3 * time.Minute
)

// node returns the command that runs a script of npmDir, with the locked
// packages installed.
func node(t testing.TB, script string, args ...string) *exec.Cmd {
	t.Helper()
	if err := installPackages(t); err != nil {
		t.Fatalf("%v; remedy: %s", err, npmRemedy)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{filepath.Join(npmDir, script)}, args...)...)
	cmd.Stderr = t.Output()
	return cmd
}

// installPackages installs what the lock file says unless that is done. It
// installs aside and moves the result, so neither an install that was cut off
// nor another test that runs at once leaves half of it.
func installPackages(t testing.TB) error {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(npmDir, "package-lock.json"))
	if err != nil {
		return fmt.Errorf("reading what npm must install: %w", err)
	}
	sum := sha256.Sum256(lock)
	want := hex.EncodeToString(sum[:])
	if isInstalled(want) {
		return nil
	}
	aside, err := os.MkdirTemp(npmDir, ".install-") //nolint:usetesting // beside its destination, so that it can be moved
	if err != nil {
		return fmt.Errorf("making a folder for npm: %w", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(aside) })
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(npmDir, name))
		if err := errors.Join(err, os.WriteFile(filepath.Join(aside, name), text, 0o600)); err != nil {
			return fmt.Errorf("copying what npm must install: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), installTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = aside
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, bytes.TrimSpace(out))
	}
	fresh, target := filepath.Join(aside, "node_modules"), filepath.Join(npmDir, "node_modules")
	if err := os.WriteFile(filepath.Join(fresh, npmStamp), []byte(want), 0o600); err != nil {
		return fmt.Errorf("noting what npm has installed: %w", err)
	}
	if err := errors.Join(os.RemoveAll(target), os.Rename(fresh, target)); err != nil && !isInstalled(want) {
		return fmt.Errorf("moving what npm has installed: %w", err)
	}
	return nil
}

func isInstalled(want string) bool {
	have, err := os.ReadFile(filepath.Join(npmDir, "node_modules", npmStamp))
	return err == nil && string(have) == want
}

// npmServer starts the npm server and returns its URL.
func npmServer(t testing.TB) string {
	t.Helper()
	cmd := node(t, "server.js", "../encrypt.wsdl")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting node: %v; remedy: %s", err, npmRemedy)
	}
	t.Cleanup(func() { // the test's context has ended it; its input would, had the test died
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("reading the npm server's port: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port) + "/"
}

func TestEncrypt_AgainstAnNPMServer(t *testing.T) {
	url := npmServer(t)
	client := newClient(t, soap.Config{URL: url})
	byNPM := func(value string) string { return "npm:" + base64.StdEncoding.EncodeToString([]byte(value)) }
	for _, value := range []string{password, "</phone><password>X</password>", `& < > ' " &amp; ]]>`, "contraseña 密码 😀"} {
		t.Run("encrypts "+value, func(t *testing.T) {
			got, err := client.Encrypt(t.Context(), value, "~"+value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(soap.Encrypted{Phone: byNPM(value), Password: byNPM("~" + value)}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for phone, want := range map[string]string{"refused": fault + soap.CodeClient, "broken": fault + soap.CodeServer} {
		t.Run(phone, func(t *testing.T) {
			_, err := client.Encrypt(t.Context(), phone, password)
			if got := kind(t, err); got != want {
				t.Errorf("ends %s (%v), want %s", got, err, want)
			}
			quotesNothing(t, err)
		})
	}
	t.Run("another path is unusable", func(t *testing.T) {
		_, err := newClient(t, soap.Config{URL: url + "elsewhere"}).Encrypt(t.Context(), phone, password)
		if got := kind(t, err); got != unusable {
			t.Errorf("ends %s (%v)", got, err)
		}
	})
}

func TestStandin_ToAnNPMClient(t *testing.T) {
	service := newStandin(t)
	url := serve(t, service) + "/?wsdl"
	ask := func(t *testing.T, phone, password string) (answer struct{ Phone, Password, Fault string }) {
		out, err := node(t, "client.js", url, phone, password).Output()
		if err != nil {
			t.Fatalf("the npm client: %v; remedy, if node is missing: %s", err, npmRemedy)
		}
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatalf("the npm client printed %q: %v", out, err)
		}
		return answer
	}
	t.Run("encrypts", func(t *testing.T) {
		answer := ask(t, phone, `& < > ' " 密码`)
		value, err := service.Decrypt(answer.Password)
		if err != nil || value != `& < > ' " 密码` {
			t.Errorf("the password arrived as %q, %v", value, err)
		}
	})
	t.Run("answers with a fault", func(t *testing.T) {
		if answer := ask(t, "", password); answer.Fault != "soap:Client" {
			t.Errorf("got %+v", answer)
		}
	})
}
