package parts

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// packageFolder is a folder with one local package to install.
func packageFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"package.json": `{"name":"fixture","version":"1.0.0","dependencies":{"greeter":"file:greeter"}}`,
		"package-lock.json": `{"name":"fixture","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
			"":{"name":"fixture","version":"1.0.0","dependencies":{"greeter":"file:greeter"}},
			"greeter":{"version":"1.0.0"},
			"node_modules/greeter":{"resolved":"greeter","link":true}}}`,
		"greeter/package.json": `{"name":"greeter","version":"1.0.0","main":"index.js"}`,
		"greeter/index.js":     `module.exports = "hello"`,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// countNPM puts an npm before the real one that notes each of its runs, and
// returns how to read their number.
func countNPM(t *testing.T) func() int {
	t.Helper()
	npm, err := findBinary("npm")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	notes := filepath.Join(dir, "runs")
	script := fmt.Sprintf("#!/bin/sh\necho run >> '%s'\nexec '%s' \"$@\"\n", notes, npm)
	if err := os.WriteFile(filepath.Join(dir, "npm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	return func() int {
		data, err := os.ReadFile(notes)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return bytes.Count(data, []byte("run\n"))
	}
}

func TestNode_InstallsWhatTheLockFileSays(t *testing.T) {
	dir := packageFolder(t)
	node := Node(t, dir)
	cmd := exec.CommandContext(t.Context(), node, "-p", `require("greeter")`)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "hello" {
		t.Errorf("node said %q, %v; want hello", out, err)
	}
}

func TestNode_InstallsOnceForAllWhoAskAtOnce(t *testing.T) {
	dir, runs := packageFolder(t), countNPM(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := installNode(t.Context(), dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := runs(); got != 1 {
		t.Errorf("npm ran %d times, want once", got)
	}
}

func TestNode_InstallsAgainWhenTheLockFileChanges(t *testing.T) {
	dir, runs := packageFolder(t), countNPM(t)
	Node(t, dir)
	lock := filepath.Join(dir, "package-lock.json")
	text, err := os.ReadFile(lock)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lock, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	Node(t, dir)
	if got := runs(); got != 2 {
		t.Errorf("npm ran %d times, want twice", got)
	}
}

func TestNode_InstallsAgainAfterAnInstallThatWasCutOff(t *testing.T) {
	dir, runs := packageFolder(t), countNPM(t)
	if err := os.MkdirAll(filepath.Join(dir, "node_modules"), 0o755); err != nil {
		t.Fatal(err)
	}
	Node(t, dir)
	if got := runs(); got != 1 {
		t.Errorf("npm ran %d times, want once", got)
	}
}

func TestNode_FailsLoudly(t *testing.T) {
	t.Run("without a lock file", func(t *testing.T) {
		message := fatal(t, func(t testing.TB) { Node(t, t.TempDir()) })
		if !strings.Contains(message, "package-lock.json") {
			t.Errorf("message %q; want one that names the file", message)
		}
	})
	t.Run("when npm fails, with npm's own words", func(t *testing.T) {
		dir := packageFolder(t)
		if err := os.WriteFile(filepath.Join(dir, "package-lock.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		message := fatal(t, func(t testing.TB) { Node(t, dir) })
		if !strings.Contains(message, "npm ci") || !strings.Contains(message, "npm error") {
			t.Errorf("message %q; want npm's own words", message)
		}
	})
}
