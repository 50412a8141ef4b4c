// Command stages runs five empty stages in one process, for the benchmark that
// started it. It takes one load, in JSON, on its standard input, and prints the
// progress of each slice, a line each; before that, {} when it is ready.
//
//	stages bare|runner|watermill <NATS URL>
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/bench/chain"
	"github.com/create-user/create-user/pkg/service"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "stages:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) (err error) {
	if len(args) != 2 {
		return errors.New("usage: stages bare|runner|watermill <NATS URL>")
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	releaseHeap := service.RaiseHeap(service.Environ(), 0) // as in every service, for all makes alike
	defer releaseHeap()
	dial := func() (*nats.Conn, error) { return nats.Connect(args[1]) }
	ends, err := chain.Start(ctx, args[0], dial)
	if err != nil {
		return err
	}
	driver, err := chain.NewDriver(ends, dial)
	if err != nil {
		return err
	}
	defer driver.Close()
	lines := json.NewEncoder(out)
	if err := lines.Encode(struct{}{}); err != nil {
		return fmt.Errorf("tell that all is ready: %w", err)
	}
	input := bufio.NewReader(in)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read the load: %w", err)
	}
	var load chain.Load
	if err := json.Unmarshal(line, &load); err != nil {
		return fmt.Errorf("read the load: %w", err)
	}
	if err := driver.Drive(ctx, load, func(p chain.Progress) error { return lines.Encode(p) }); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, input) // whoever reads what was used needs the process
	stop()
	return errors.Join(err, ends.Wait())
}
