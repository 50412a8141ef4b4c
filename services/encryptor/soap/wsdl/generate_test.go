package wsdl_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/services/encryptor/soap/wsdl"
)

// TestGenerate_ReproducesTheClient runs the generator's line of doc.go with another folder.
func TestGenerate_ReproducesTheClient(t *testing.T) {
	dir := t.TempDir()
	args := directive(t, "go tool gowsdl ")
	at := slices.Index(args, "-d")
	if at < 0 || args[at+1] != ".." {
		t.Fatalf("the generator does not write here: %q", args)
	}
	args[at+1] = dir
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "GOWORK=off") // this module's version of the generator
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v: %s", args, err, out)
	}
	if diff := cmp.Diff(read(t, filepath.Join(dir, "wsdl", "client.go")), read(t, "client.go")); diff != "" {
		t.Errorf("client.go is not what encrypt.wsdl makes; run go generate ./soap/wsdl: %s", diff)
	}
}

func TestContract_IsTheOneThatPeopleRead(t *testing.T) {
	args := directive(t, "cp ")
	if diff := cmp.Diff(read(t, args[1]), wsdl.Contract); diff != "" {
		t.Errorf("contract.wsdl is not encrypt.wsdl; run go generate ./soap/wsdl: %s", diff)
	}
	if !strings.Contains(wsdl.Contract, `location="`+wsdl.Address+`"`) {
		t.Error("Address is not the contract's")
	}
}

// directive returns the words of doc.go's line that generates with a command.
func directive(t testing.TB, command string) []string {
	t.Helper()
	for line := range strings.Lines(read(t, "doc.go")) {
		if rest, ok := strings.CutPrefix(line, "//go:generate "); ok && strings.HasPrefix(rest, command) {
			return strings.Fields(rest)
		}
	}
	t.Fatalf("doc.go does not generate with %q", command)
	return nil
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
