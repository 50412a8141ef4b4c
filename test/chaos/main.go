// Command chaos runs Create User as it is deployed, under load, while its
// processes are killed, stopped and frozen, its connections cut and its streams
// filled up, and checks that nothing was lost, nothing done twice and nobody
// told wrong. See docs/reliability.md.
//
//	go run ./test/chaos -seed 1 -registrations 5000 -rate 200
//
// It exits with 1 when an invariant does not hold, 2 when it could not be checked.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/create-user/create-user/test/chaos/scenario"
	"github.com/create-user/create-user/test/chaos/system"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// settings are the command line.
type settings struct {
	scenario.Options
	scenarios string
	seeds     int
	race      bool
	out       string
}

func parse(args []string, problems io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("chaos", flag.ContinueOnError)
	flags.SetOutput(problems)
	flags.Uint64Var(&s.Seed, "seed", 1, "what load and faults follow from")
	flags.IntVar(&s.seeds, "seeds", 1, "run with this many seeds, from -seed on")
	flags.IntVar(&s.Registrations, "registrations", 5000, "registrations in each run, at least")
	flags.IntVar(&s.Rate, "rate", 200, "registrations a second")
	flags.BoolVar(&s.Cluster, "cluster", false, "three NATS servers with three replicas in place of one")
	flags.StringVar(&s.scenarios, "scenario", scenario.Random, "all, or names separated by commas: "+strings.Join(scenario.Names(), ", "))
	flags.DurationVar(&s.FaultEvery, "fault-every", 2*time.Second, "in the scenario random: time between two faults, in the mean")
	flags.DurationVar(&s.FaultLongest, "fault-longest", 8*time.Second, "in the scenario random: the longest fault")
	flags.BoolVar(&s.race, "race", false, "build the services with the race detector")
	flags.BoolVar(&s.Keep, "keep", false, "keep logs and data of clean runs, too")
	flags.StringVar(&s.out, "out", "", "folder for report.json and report.md, which are added to when they are there; default only print")
	return s, flags.Parse(args)
}

// run runs the scenarios and returns the exit code.
func run(ctx context.Context, args []string, out, problems io.Writer) int {
	s, err := parse(args, problems)
	if err != nil {
		return 2
	}
	earlier, err := read(s.out)
	if err != nil {
		_, _ = fmt.Fprintln(problems, "chaos:", err)
		return 2
	}
	results, err := runAll(ctx, s, problems)
	if writeErr := write(s.out, scenario.Merge(earlier, results), out); err == nil {
		err = writeErr
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, "chaos:", err)
		return 2
	}
	for _, r := range results {
		if !r.Clean() {
			return 1
		}
	}
	return 0
}

func runAll(ctx context.Context, s settings, log io.Writer) ([]scenario.Result, error) {
	names := strings.Split(s.scenarios, ",")
	if s.scenarios == "all" {
		names = scenario.Names()
	}
	var list []scenario.Scenario
	for _, name := range names {
		found, err := scenario.Find(name)
		if err != nil {
			return nil, err
		}
		list = append(list, found)
	}
	bin, err := system.Build(ctx, s.race)
	if err != nil {
		return nil, err
	}
	s.Bin, s.Log = bin, log
	var results []scenario.Result
	for i := range s.seeds {
		o := s.Options
		o.Seed += uint64(i)
		for _, one := range list {
			r, err := scenario.Run(ctx, o, one)
			if err != nil {
				return results, err
			}
			results = append(results, r)
		}
	}
	return results, nil
}

// read reads the results of earlier runs in a folder; none when there are none.
func read(folder string) ([]scenario.Result, error) {
	if folder == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(folder, "report.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var results []scenario.Result
	if err == nil {
		err = json.Unmarshal(data, &results)
	}
	if err != nil {
		return nil, fmt.Errorf("read the report of earlier runs: %w", err)
	}
	return results, nil
}

// write prints the report, and writes it into a folder when one is named.
func write(folder string, results []scenario.Result, out io.Writer) error {
	text := scenario.Markdown(results)
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	if folder == "" {
		return nil
	}
	data, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the report: %w", err)
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "report.json"), data, 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "report.md"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
