package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/bull-bridge/bridge"
	"github.com/create-user/create-user/services/code-checker/check"
	"github.com/create-user/create-user/services/console/console"
	"github.com/create-user/create-user/services/encryptor/encrypt"
	"github.com/create-user/create-user/services/notifier/notify"
	"github.com/create-user/create-user/services/token-verifier/verify"
	"github.com/create-user/create-user/services/user-writer/write"
	"github.com/create-user/create-user/services/watchdog/watch"
	"github.com/create-user/create-user/streams"
)

type configCommand struct {
	Service string `arg:"" optional:"" help:"One service. Default: all, but for the bull-bridge unless a BULL_ variable is set."`
}

// Help explains the command at length.
func (configCommand) Help() string {
	return `Each setting is shown with its source: the default, the environment variable, the file that NAME_FILE names, the
variables of the replaced service that say the same, or a .env file (development alone). Secrets are masked.

Then everything that the service needs is tried, without changing anything: NATS with its streams and consumers, Redis,
the database with its tables and rights, the encryption service, the keys of tokens, the Socket.IO server, the Redis of the
Bull queue. The exit code is 1 when something is wrong.`
}

// probeTime bounds one check.
const probeTime = 10 * time.Second

// Run shows the settings and checks what they lead to.
func (c configCommand) Run(ctx context.Context, t *tool) error {
	chosen, err := c.services(t.vars)
	if err != nil {
		return err
	}
	t.vars = t.beside("NATS_URL", "nats://127.0.0.1:%s", "NATS_PORT")
	t.vars = t.beside("REDIS_URL", "redis://127.0.0.1:%s/0", "REDIS_PORT")
	failures, err := t.show("shared by all services", service.Describe[service.Settings])
	if err != nil {
		return err
	}
	if _, err := service.Load[service.Settings](t.vars); err != nil {
		failures += t.report("settings", "", err)
	}
	for _, s := range chosen {
		n, err := configOf(ctx, t, s)
		if err != nil {
			return err
		}
		failures += n
	}
	if failures > 0 {
		return fmt.Errorf("%d checks failed", failures)
	}
	return nil
}

// descriptions describe all services of the system, in saga order, and the console.
func descriptions() []service.Description {
	return []service.Description{
		verify.Description(), check.Description(), encrypt.Description(), write.Description(), notify.Description(), watch.Description(),
		console.Description(),
	}
}

// services returns the service that is asked for, or all that are in use: only who
// has a Bull queue runs the bull-bridge.
func (c configCommand) services(vars service.Vars) ([]service.Description, error) {
	all, bull := descriptions(), bridge.Description()
	var names []string
	for _, s := range append(all, bull) {
		if s.Name == c.Service {
			return []service.Description{s}, nil
		}
		names = append(names, s.Name)
	}
	if c.Service != "" {
		return nil, fmt.Errorf("there is no service %q: want one of %s", c.Service, strings.Join(names, ", "))
	}
	for name, value := range vars {
		if value != "" && strings.HasPrefix(name, "BULL_") {
			return append(all, bull), nil
		}
	}
	return all, nil
}

// configOf shows a service's own settings and checks what it needs. It returns how
// many checks failed; its error is that of printing.
func configOf(ctx context.Context, t *tool, s service.Description) (failures int, err error) {
	if failures, err = t.show("\n"+s.Name+": "+s.About, s.Describe); err != nil {
		return failures, err
	}
	probes := []service.Probe{{Name: "nats", Check: func(ctx context.Context) (string, error) { return probeNATS(ctx, t, s.Name) }}}
	if s.Probes != nil {
		own, err := s.Probes(t.vars)
		if err != nil {
			failures += t.report("settings", "", err)
		}
		probes = append(probes, own...)
	}
	for _, p := range probes {
		limited, cancel := context.WithTimeout(ctx, probeTime)
		found, err := p.Check(limited)
		cancel()
		failures += t.report(p.Name, found, err)
	}
	return failures, nil
}

// show prints a table of settings. It returns 1 when they cannot be had.
func (t *tool) show(title string, describe func(service.Vars) ([]service.Setting, error)) (failures int, err error) {
	if err := t.printf("%s\n", title); err != nil || describe == nil {
		return 0, err
	}
	settings, err := describe(t.vars)
	if err != nil {
		return t.report("settings", "", err), nil
	}
	table := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	for _, s := range settings {
		source := s.Source
		if from := t.from[s.Name]; from != "" && source == service.SourceVariable {
			source = from
		}
		if s.Value == "" {
			s.Value, source = "-", "not set"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", s.Name, s.Value, source) // Flush reports
	}
	return 0, table.Flush()
}

// report prints what a check found, and returns 1 when it failed.
func (t *tool) report(name, found string, err error) int {
	if err != nil {
		_ = t.printf("  FAILED  %-11s %s\n", name, strings.ReplaceAll(err.Error(), "\n", "\n"+strings.Repeat(" ", 22)))
		return 1
	}
	_ = t.printf("  ok      %-11s %s\n", name, found)
	return 0
}

// probeNATS sees whether NATS answers, and has the streams, and the consumers that
// the steps of a service take from, as they are declared.
func probeNATS(ctx context.Context, t *tool, name string) (string, error) {
	consumers, err := t.consumersOf(name)
	if err != nil {
		return "", err
	}
	js, closeNATS, err := t.nats(ctx)
	if err != nil {
		return "", err
	}
	defer closeNATS()
	all, err := streams.Status(ctx, js)
	if err != nil {
		return "", fmt.Errorf("NATS answers, but not about its streams: %w", err)
	}
	const remedy = `: run "createuser streams apply" with these settings`
	var wrong []error
	for _, s := range all {
		if s.Missing {
			wrong = append(wrong, fmt.Errorf("stream %s is missing%s", s.Name, remedy))
		}
		for _, c := range s.Consumers {
			if !consumers[c.Name] || c.Missing {
				continue
			}
			delete(consumers, c.Name)
			for _, d := range c.Drift {
				wrong = append(wrong, fmt.Errorf("consumer %s differs: %s%s", c.Name, d, remedy))
			}
		}
	}
	for c := range consumers {
		wrong = append(wrong, fmt.Errorf("consumer %s is missing%s", c, remedy))
	}
	if len(wrong) > 0 {
		return "", errors.Join(wrong...)
	}
	return "it answers, and has the streams and consumers that are needed", nil
}

// consumersOf returns the durable consumers that a service takes from.
func (t *tool) consumersOf(name string) (map[string]bool, error) {
	consumers := map[string]bool{}
	for _, step := range event.Path() {
		if step.Service == name {
			consumers[step.Name] = true
		}
	}
	settings, err := service.Load[notify.RelaySettings](t.vars)
	if err != nil {
		return nil, err
	}
	relays, err := settings.Relays()
	if err == nil && !relays { // it follows the event store
		delete(consumers, event.StepNotifier)
	}
	return consumers, err
}
