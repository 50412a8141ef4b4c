// Testall runs go test with the arguments it is given, shows each package as it
// ends and every failure in full, and closes with one plain line:
//
//	N passed, N failed
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
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	passed, failed := run(ctx, os.Args[1:], os.Stdout)
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
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
