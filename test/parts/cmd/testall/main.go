// Testall runs go test with the arguments it is given, shows each package as it
// ends and every failure in full, and closes with one plain line:
//
//	N passed, N failed
//
// With -fuzz it fuzzes every fuzz target for a time, too.
//
// What counts is every test that has no subtests, and every subtest that has
// none itself. A skipped test has failed, for nothing here may skip; so has a
// test that its binary never finished, and a package that does not build or
// fails outside its tests. The exit status is 0 only when nothing has failed
// and something has passed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := flag.Duration("fuzz", 0, "meanwhile fuzz every fuzz target of the workspace for so long; each counts as one test")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(os.Stderr, "usage: testall [-fuzz duration] [-- arguments of go test]; without these it only fuzzes")
		flag.PrintDefaults()
	}
	flag.Parse()
	passed, failed := runAll(ctx, *d, flag.Args(), &shared{to: os.Stdout})
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

// shared is a writer for all who report at once.
type shared struct {
	mu sync.Mutex
	to io.Writer // guarded by mu
}

// Write implements [io.Writer].
func (s *shared) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.to.Write(text)
}

// runAll runs go test, unless it has no arguments, and the fuzz targets for d
// each, both at once.
func runAll(ctx context.Context, d time.Duration, args []string, out io.Writer) (passed, failed int) {
	var fuzzed, broken int
	var fuzzing sync.WaitGroup
	if d > 0 {
		fuzzing.Go(func() { fuzzed, broken = fuzzAll(ctx, d, out) })
	}
	if len(args) > 0 {
		passed, failed = run(ctx, args, out)
	}
	fuzzing.Wait()
	return passed + fuzzed, failed + broken
}

// fuzzAll fuzzes every target of the workspace.
func fuzzAll(ctx context.Context, d time.Duration, out io.Writer) (passed, failed int) {
	list, err := targets(ctx)
	if err == nil && len(list) == 0 {
		err = errors.New("there are no fuzz targets")
	}
	if err != nil {
		_, _ = fmt.Fprintln(out, "FAIL  fuzz:", err)
		return 0, 1
	}
	return fuzz(ctx, list, d, out)
}

// run runs go test and writes its report to out. What keeps go test from
// running at all counts as one failure.
func run(ctx context.Context, args []string, out io.Writer) (passed, failed int) {
	r := newReport(out)
	err := goTest(ctx, args, r)
	r.close(err)
	return r.passed, r.failed()
}

// goTest feeds the events of go test to the report. An interrupt is handed on
// to it, so that the tests end what they have started.
func goTest(ctx context.Context, args []string, r *report) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("making a pipe to go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting go test: %w", err)
	}
	err = r.read(stdout)
	if werr := cmd.Wait(); werr != nil {
		return errors.Join(err, fmt.Errorf("go test: %w", werr))
	}
	return err
}
