// Command bench measures Create User beside what it is compared with, on real
// parts, in rounds: each round takes every measurement once. docs/performance.md
// says what was measured, and how.
//
//	go run ./bench -out bench/results                  all, 20,000 users, 3 rounds, about 20 minutes
//	go run ./bench -scale 1000000 -out bench/results   a long history, and more replicas, about 7 minutes
//	go run ./bench -render -out bench/results          tables and plots of the document anew
//	go run ./bench -quick                              all in small, to see that it works
//	go run ./bench -only ours,runner -rounds 1         some of them
package main

import (
	"context"
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
	err := bench(ctx, os.Args[1:], os.Stderr)
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
	users, rounds, scale int
	quick, render        bool
	only, out, document  string
}

// A quick run's numbers.
const (
	quickUsers = 100
	quickScale = 1000
)

func parse(args []string, problems io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.IntVar(&s.users, "users", 20_000, "users, or sagas, of a measurement")
	flags.IntVar(&s.rounds, "rounds", 3, "how often each is measured")
	flags.IntVar(&s.scale, "scale", 0, "in place of the rounds: this many sagas in one history, then one more replica of each service")
	flags.BoolVar(&s.quick, "quick", false, "everything, once and with few users: to see that it works, not to measure")
	flags.StringVar(&s.only, "only", "", "only these measurements, separated by commas")
	flags.StringVar(&s.out, "out", "", "folder of the results, in JSON; default: only show them")
	flags.BoolVar(&s.render, "render", false, "measure nothing: write what stands in -out into -doc")
	flags.StringVar(&s.document, "doc", "", "document whose tables and plots are written anew from -out")
	flags.Usage = func() { usage(flags, problems) }
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	return s, s.check(flags.Args())
}

func (s *settings) check(rest []string) error {
	if s.quick {
		s.users, s.rounds = quickUsers, 1
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unknown argument %q: see -help", rest[0])
	case s.users < 1 || s.rounds < 1 || s.scale < 0:
		return errors.New("-users and -rounds: want at least 1; -scale: want 0 or more")
	case s.out == "" && (s.render || s.document != ""):
		return errors.New("-render and -doc: name the folder of the results with -out")
	case s.render && s.document == "":
		return errors.New("-render: name the document with -doc")
	case s.only != "" && s.scale > 0:
		return errors.New("-only chooses among the measurements of the rounds: leave -scale out")
	}
	return nil
}

func usage(flags *flag.FlagSet, to io.Writer) {
	_, _ = fmt.Fprint(to, "Measures Create User beside what it is compared with. Needs MariaDB, Redis and Node.js (make setup).\n\n")
	flags.PrintDefaults()
	_, _ = fmt.Fprint(to, "\nThe measurements of each round:\n")
	for _, m := range run.Plan(1) {
		_, _ = fmt.Fprintf(to, "  %-12s %s\n", m.Name, m.About)
	}
}
