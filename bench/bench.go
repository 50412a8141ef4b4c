package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/create-user/create-user/bench/report"
	"github.com/create-user/create-user/bench/run"
)

// errBroken says that something was measured which did not behave.
var errBroken = errors.New("an invariant does not hold, or a program did not behave: see PROBLEM above")

// bench does what the command line says.
func bench(ctx context.Context, args []string, log io.Writer) error {
	s, err := parse(args, log)
	if err != nil {
		return err
	}
	if !s.render {
		err = measure(ctx, s, log)
	}
	if s.document != "" && (err == nil || errors.Is(err, errBroken)) {
		err = errors.Join(err, report.Render(s.out, s.document))
	}
	return err
}

func measure(ctx context.Context, s settings, log io.Writer) error {
	if _, err := run.Choose(run.Plan(1), s.only); err != nil {
		return err
	}
	bin, err := run.Build(ctx)
	if err != nil {
		return err
	}
	r := &run.Runner{Bin: bin, Log: log}
	if s.scale > 0 {
		return scale(ctx, s, r, s.scale)
	}
	err = rounds(ctx, s, r)
	if s.quick && s.only == "" && (err == nil || errors.Is(err, errBroken)) {
		err = errors.Join(err, scale(ctx, s, r, quickScale))
	}
	return err
}

// rounds takes the measurements, and keeps what there is after each.
func rounds(ctx context.Context, s settings, r *run.Runner) error {
	list, err := run.Choose(run.Plan(s.users), s.only)
	if err == nil {
		err = r.Prepare(list)
	}
	if err != nil {
		return err
	}
	start := time.Now()
	results := report.Rounds{Machine: report.ThisMachine(ctx)}
	err = r.Rounds(ctx, list, s.rounds, func(one run.Run) error {
		results.Runs = append(results.Runs, one)
		results.Machine.Seconds = time.Since(start).Seconds()
		return save(s, report.RoundsFile, results)
	})
	return errors.Join(err, broken(results.Runs))
}

// scale makes a long history, and then tries one more replica of each service.
func scale(ctx context.Context, s settings, r *run.Runner, sagas int) (err error) {
	start := time.Now()
	results := report.Scale{Machine: report.ThisMachine(ctx)}
	if results.Slices, results.Run, err = r.Scale(ctx, sagas); err != nil {
		return err
	}
	list := run.Replicas(max(1, s.users/4))
	if err := r.Prepare(list); err != nil {
		return err
	}
	err = r.Rounds(ctx, list, 1, func(one run.Run) error {
		results.Replicas = append(results.Replicas, one)
		results.Machine.Seconds = time.Since(start).Seconds()
		return save(s, report.ScaleFile, results)
	})
	return errors.Join(err, broken(results.Replicas))
}

func save(s settings, file string, results any) error {
	if s.out == "" {
		return nil
	}
	return report.Save(s.out, file, results)
}

func broken(runs []run.Run) error {
	for _, one := range runs {
		if len(one.Problems) > 0 {
			return errBroken
		}
	}
	return nil
}
