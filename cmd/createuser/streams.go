package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/notifier/notify"
	"github.com/create-user/create-user/streams"
)

type streamsCommand struct {
	Apply  streamsApplyCommand  `cmd:"" help:"Create what is missing and update what has changed. Nothing is ever deleted."`
	Status streamsStatusCommand `cmd:"" help:"Show streams and consumers, and where they differ from their declarations."`
}

type streamsApplyCommand struct{}

type streamsStatusCommand struct{}

// streamSettings are the settings of streams apply.
type streamSettings struct {
	notify.RelaySettings
	Replicas int   `env:"STREAM_REPLICAS" help:"servers that keep each stream; default 1"`
	Store    int64 `env:"STREAM_STORE" help:"bytes of disk on each server that all streams together may fill; default as declared"`
}

// streamOptions returns what the deployment decides about its streams.
func streamOptions(vars service.Vars) (streams.Options, error) {
	settings, err := service.Load[streamSettings](vars)
	if err != nil {
		return streams.Options{}, err
	}
	relays, err := settings.Relays()
	return streams.Options{Replicas: settings.Replicas, Store: settings.Store, Relay: relays}, err
}

// Run applies the declarations.
func (streamsApplyCommand) Run(ctx context.Context, t *tool) error {
	options, err := streamOptions(t.vars)
	if err != nil {
		return err
	}
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return err
	}
	defer closeNATS()
	report, err := streams.Apply(ctx, js, options)
	for _, change := range report {
		name := change.Stream
		if change.Consumer != "" {
			name += " > " + change.Consumer
		}
		if printErr := t.printf("%-10s %s\n", change.Action, name); printErr != nil {
			return errors.Join(err, printErr)
		}
	}
	return err
}

// Run shows streams and consumers. It fails when something is missing or differs.
func (streamsStatusCommand) Run(ctx context.Context, t *tool) error {
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return err
	}
	defer closeNATS()
	all, err := streams.Status(ctx, js)
	if err != nil {
		return err
	}
	wrong := 0
	for _, s := range all {
		n, err := printStream(t, s)
		if err != nil {
			return err
		}
		wrong += n
	}
	if wrong > 0 {
		return fmt.Errorf(`%d differences from the declarations: "createuser streams apply" mends what can be mended`, wrong)
	}
	return nil
}

// printStream prints a stream and its consumers, and returns how many
// differences from the declarations there are.
func printStream(t *tool, s streams.StreamStatus) (int, error) {
	if s.Missing {
		return 1, t.printf("%s  MISSING\n", s.Name)
	}
	err := t.printf("%s  %d messages, %d bytes, sequences %d to %d, %d of %d replicas in sync, leader %s\n",
		s.Name, s.Messages, s.Bytes, s.First, s.Last, s.InSync, s.Replicas, s.Leader)
	wrong, driftErr := printDrift(t, s.Drift)
	err = errors.Join(err, driftErr)
	for _, c := range s.Consumers {
		if c.Missing {
			wrong++
			err = errors.Join(err, t.printf("  %-16s MISSING\n", c.Name))
			continue
		}
		err = errors.Join(err, t.printf("  %-16s %d pending, %d in hand, %d redelivered\n", c.Name, c.Pending, c.AckPending, c.Redelivered))
		n, driftErr := printDrift(t, c.Drift)
		wrong, err = wrong+n, errors.Join(err, driftErr)
	}
	return wrong, err
}

func printDrift(t *tool, drift []streams.Drift) (int, error) {
	var all error
	for _, d := range drift {
		all = errors.Join(all, t.printf("    differs: %s\n", d))
	}
	return len(drift), all
}
