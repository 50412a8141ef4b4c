package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/chaos/fault"
	"github.com/create-user/create-user/test/chaos/invariants"
	"github.com/create-user/create-user/test/chaos/load"
	"github.com/create-user/create-user/test/chaos/system"
)

// Options are what a run follows from.
type Options struct {
	Seed          uint64
	Registrations int // at least; more when the scenario takes longer
	Rate          int // registrations a second
	Cluster       bool
	FaultEvery    time.Duration // of the scenario random: between two faults, in the mean
	FaultLongest  time.Duration // of the scenario random
	Bin           string        // folder of the programs, see system.Build
	Keep          bool          // logs and data, also of a clean run
	Log           io.Writer     // is told of progress
}

const (
	// quietTime is how long all sagas may take to end after the last fault: their
	// deadline, two minutes, and some.
	quietTime = 3 * time.Minute
	// hearTime is how long all outcomes may take to be heard after that.
	hearTime = 30 * time.Second
	// lateTime is how long a client listens for what it should not hear.
	lateTime = 2 * time.Second
	// pollEvery is how often either is asked for.
	pollEvery = 250 * time.Millisecond
)

// Run runs a scenario. An error means that it could not be judged.
func Run(ctx context.Context, o Options, s Scenario) (result Result, err error) {
	if short := int(s.Lasts.Seconds() * float64(o.Rate)); o.Registrations < short {
		o.Registrations = short
	}
	o.say("%s: %s (%d registrations, %d/s, seed %d)", s.Name, s.About, o.Registrations, o.Rate, o.Seed)
	running, err := system.Start(ctx, system.Options{Bin: o.Bin, Cluster: o.Cluster})
	if err != nil {
		return Result{}, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	r := run{Options: o, scenario: s, system: running}
	if err = r.suffer(ctx); err == nil {
		result, err = r.judge(ctx)
	}
	err = errors.Join(err, running.End())
	result.Troubles = append(running.Troubles(), running.Clients.Odd()...)
	if err != nil || o.Keep || !result.Clean() {
		result.Folder = running.Folder()
		r.tell(result)
		if err != nil {
			err = fmt.Errorf("scenario %s (logs in %s): %w", s.Name, running.Folder(), err)
		}
		return result, err
	}
	r.tell(result)
	return result, running.Remove()
}

// run is one run of a scenario.
type run struct {
	Options
	scenario Scenario
	system   *system.System
	plan     []*load.Registration
	faults   []fault.Injected
	quiet    time.Time // when no saga was open any more
}

// suffer puts the system under load and faults, heals it, and lets it come to rest.
func (r *run) suffer(ctx context.Context) (err error) {
	if r.plan, err = load.Plan(r.Seed, r.Registrations, r.scenario.Mix, r.system.Issuer); err != nil {
		return err
	}
	for _, p := range r.plan {
		if err := r.system.StoreCode(ctx, p.ID, p.Code); err != nil {
			return err
		}
	}
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		return err
	}
	lasts := time.Duration(r.Registrations) * time.Second / time.Duration(r.Rate)
	schedule := r.scenario.Faults(r.Options, lasts)
	bounded, cancel := context.WithTimeout(ctx, lasts+quietTime)
	defer cancel()
	err = service.All(bounded,
		func(ctx context.Context) error {
			p := load.Publisher{JS: r.system.JS, Key: key, Join: r.system.Clients.Join}
			return p.Publish(ctx, r.plan, r.Rate)
		},
		func(ctx context.Context) (err error) {
			r.faults, err = fault.Run(ctx, r.system, schedule, func(f fault.Fault) { r.say("  %s", f) })
			return err
		},
	)
	if err != nil {
		return err
	}
	if err := r.system.Heal(ctx); err != nil {
		return fmt.Errorf("heal: %w", err)
	}
	return r.rest(ctx)
}

// rest waits until no saga is open and every outcome is heard. That it takes too
// long is no error here: the invariants say what is missing.
func (r *run) rest(ctx context.Context) error {
	r.say("  all healed, waiting for open sagas")
	err := poll(ctx, quietTime, func() (bool, error) { return r.system.Quiet(ctx) })
	if err != nil {
		return err
	}
	r.quiet = time.Now()
	facts, _, err := r.system.Facts(ctx, r.registrations())
	if err != nil {
		return err
	}
	err = poll(ctx, hearTime, func() (bool, error) {
		facts.Heard = r.system.Clients.Heard()
		return len(invariants.Silent(facts)) == 0, nil
	})
	if err != nil {
		return err
	}
	return poll(ctx, lateTime, func() (bool, error) { return false, nil })
}

// poll asks until the answer is yes or the time is over. An error is asked
// again, and returned when it lasts.
func poll(ctx context.Context, limit time.Duration, ask func() (bool, error)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	end := time.Now().Add(limit)
	for {
		yes, err := ask()
		if yes {
			return nil
		}
		if time.Now().After(end) {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// judge collects the facts and checks them.
func (r *run) judge(ctx context.Context) (Result, error) {
	facts, times, err := r.system.Facts(ctx, r.registrations())
	if err != nil {
		return Result{}, err
	}
	result := Result{
		Scenario: r.scenario.Name, About: r.scenario.About, Seed: r.Seed, Cluster: r.Cluster, Rate: r.Rate,
		Violations: invariants.Check(facts),
	}
	result.count(facts)
	result.Recoveries = recoveries(r.faults, facts.Events, times, r.system.Clients.Times())
	return result, nil
}

// tell shows what came of the run.
func (r *run) tell(result Result) {
	for _, v := range result.Violations[:min(len(result.Violations), shownViolations)] {
		r.say("  VIOLATION %s", v)
	}
	for _, t := range result.Troubles[:min(len(result.Troubles), shownViolations)] {
		r.say("  TROUBLE %s", t)
	}
	r.say("  %s", result)
}

// shownViolations is how many are shown in full.
const shownViolations = 20

func (r *run) registrations() []invariants.Registration {
	list := make([]invariants.Registration, len(r.plan))
	for i, p := range r.plan {
		list[i] = p.Registration
	}
	return list
}

func (o Options) say(format string, args ...any) {
	_, _ = fmt.Fprintf(o.Log, time.Now().Format("15:04:05 ")+format+"\n", args...) // progress only
}
