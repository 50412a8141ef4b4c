// Command bench measures Create User beside what it is compared with, on real
// parts, in rounds: each round takes every measurement once.
//
//	go run ./bench                              all, 20,000 users, 3 rounds
//	go run ./bench -quick                       all in small, to see that it works
//	go run ./bench -only ours,runner -rounds 1  some of them
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/create-user/create-user/bench/run"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := bench(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings are the command line.
type settings struct {
	users, rounds int
	quick         bool
	only          string
}

// quickUsers is how many users a quick run has.
const quickUsers = 200

func parse(args []string, problems io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.IntVar(&s.users, "users", 20_000, "users, or sagas, of each measurement")
	flags.IntVar(&s.rounds, "rounds", 3, "how often each is measured")
	flags.BoolVar(&s.quick, "quick", false, "one round with few users: to see that it works, not to measure")
	flags.StringVar(&s.only, "only", "", "only these measurements, separated by commas")
	flags.Usage = func() { usage(flags, problems) }
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.quick {
		s.users, s.rounds = quickUsers, 1
	}
	if s.users < 1 || s.rounds < 1 {
		return s, errors.New("-users and -rounds: want at least 1")
	}
	return s, nil
}

func usage(flags *flag.FlagSet, to io.Writer) {
	_, _ = fmt.Fprint(to, "Measures Create User beside what it is compared with. Results are printed as JSON, one a line.\n\n")
	flags.PrintDefaults()
	_, _ = fmt.Fprint(to, "\nThe measurements:\n")
	for _, m := range run.Plan(1) {
		_, _ = fmt.Fprintf(to, "  %-12s %s\n", m.Name, m.About)
	}
}

func bench(ctx context.Context, args []string, out, log io.Writer) error {
	s, err := parse(args, log)
	if err != nil {
		return err
	}
	list, err := run.Choose(run.Plan(s.users), s.only)
	if err != nil {
		return err
	}
	bin, err := run.Build(ctx)
	if err != nil {
		return err
	}
	r := &run.Runner{Bin: bin, Log: log}
	if err := r.Prepare(list); err != nil {
		return err
	}
	lines := json.NewEncoder(out)
	broken := false
	err = r.Rounds(ctx, list, s.rounds, func(one run.Run) error {
		broken = broken || len(one.Problems) > 0
		return lines.Encode(one)
	})
	if err == nil && broken {
		err = errors.New("an invariant does not hold, or a program did not behave: see PROBLEM above")
	}
	return err
}
