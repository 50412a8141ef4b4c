package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// target is a fuzz target: a function of the tests in a folder.
type target struct{ folder, name string }

// targets returns all fuzz targets of the workspace's modules.
func targets(ctx context.Context) ([]target, error) {
	modules, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("list the modules: %w", err)
	}
	var list []target
	for _, module := range strings.Fields(string(modules)) {
		found, err := targetsIn(module)
		if err != nil {
			return nil, fmt.Errorf("look for fuzz targets: %w", err)
		}
		list = append(list, found...)
	}
	return list, nil
}

var fuzzFunction = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(\w+ \*testing\.F\)`)

// targetsIn returns the fuzz targets of one module, not of those inside it.
func targetsIn(module string) ([]target, error) {
	var list []target
	err := filepath.WalkDir(module, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			if name := entry.Name(); path != module && (err == nil || name == "node_modules" || name == "testdata" || name[0] == '.') {
				return filepath.SkipDir
			}
			return nil
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range fuzzFunction.FindAllSubmatch(text, -1) {
			list = append(list, target{filepath.Dir(path), string(match[1])})
		}
		return nil
	})
	return list, err
}

// lanes is how many targets are fuzzed at once, by one process each.
const lanes = 2

// fuzz fuzzes every target for a time and counts those that held. What a target
// does not hold for is kept in its testdata/fuzz, where plain tests run it ever
// after. The fuzzers leave the processor to whoever else wants it.
func fuzz(ctx context.Context, list []target, d time.Duration, out io.Writer) (passed, failed int) {
	var mu sync.Mutex // guards the counts and out
	next := make(chan target)
	var running sync.WaitGroup
	for range lanes {
		running.Go(func() {
			for t := range next {
				text, ok := t.fuzz(ctx, d)
				mu.Lock()
				_, _ = io.WriteString(out, text)
				if ok {
					passed++
				} else {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range list {
		next <- t
	}
	close(next)
	running.Wait()
	return passed, failed
}

// fuzz fuzzes one target. It returns what is to be shown, and whether it held.
func (t target) fuzz(ctx context.Context, d time.Duration) (string, bool) {
	cmd := exec.CommandContext(ctx, "nice", "-n", "19", "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", d.String(), "-parallel", "1", ".")
	cmd.Dir = t.folder
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	began := time.Now()
	output, err := cmd.CombinedOutput()
	if err == nil || timeUp(output) {
		return fmt.Sprintf("ok    fuzz %s  %s inputs  %.1fs\n", t.name, inputs(output), time.Since(began).Seconds()), true
	}
	return fmt.Sprintf("FAIL  fuzz %s in %s: %v\n%s", t.name, t.folder, err, output), false
}

var execs = regexp.MustCompile(`execs: (\d+)`)

// inputs returns how many inputs were tried, as go test says it last.
func inputs(output []byte) string {
	all := execs.FindAllSubmatch(output, -1)
	if len(all) == 0 {
		return "no"
	}
	return string(all[len(all)-1][1])
}

// timeUp reports whether go test failed of nothing but the end of its time, which
// a busy machine may make it say (golang/go issue 75804).
func timeUp(output []byte) bool {
	_, why, failed := bytes.Cut(output, []byte("--- FAIL: Fuzz"))
	_, why, _ = bytes.Cut(why, []byte("\n"))
	why, _, _ = bytes.Cut(why, []byte("\n"))
	return failed && string(bytes.TrimSpace(why)) == "context deadline exceeded" && inputs(output) != "no"
}
