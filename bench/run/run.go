// Package run measures Create User and what it is compared with, one after the
// other, in rounds.
package run

import (
	"context"
	"fmt"
	"io"

	"github.com/create-user/create-user/bench/load"
)

// Measurement is one thing that is measured, once a round.
type Measurement struct {
	Name  string
	About string
	Kind  Kind
	Count int // users or sagas, at most

	Rate     float64        // requests a second; 0: as fast as can be
	Of       string         // in place of Rate: Share of what this measurement reached before
	Share    float64        // see Of
	Seconds  float64        // how long requests are published at a steady rate
	Image    int            // bytes; default 1 KiB
	Plain    bool           // published as plain JSON, without the SDK
	Sync     string         // sync_interval of NATS; empty: its default, 2 min
	Replicas map[string]int // of each service; default 1
	Cluster  bool           // three NATS servers, and three replicas of each stream
	Jobs     int            // of Bull at once; 0: as many as are best
	Store    int64          // bytes that the streams may hold; 0: as declared
	Chain    string         // make of the empty stages
}

// Kind says what a measurement measures.
type Kind string

// The kinds.
const (
	Ours  Kind = "Create User"
	Bull  Kind = "Bull"
	Chain Kind = "empty stages"
)

// Runner measures.
type Runner struct {
	Bin string    // folder of the programs
	Log io.Writer // told of the progress

	users    map[int][]load.User // prepared users, by the size of their images
	bestJobs int                 // jobs at once that are best for Bull; 0: not known yet
}

// Prepare makes all users that the measurements need.
func (r *Runner) Prepare(list []Measurement) (err error) {
	most := map[int]int{}
	for _, m := range list {
		if m.Kind != Chain {
			most[m.image()] = max(most[m.image()], m.Count)
		}
	}
	r.users = map[int][]load.User{}
	for image, n := range most {
		if r.users[image], err = load.Users(n, image); err != nil {
			return err
		}
	}
	return nil
}

func (m Measurement) image() int {
	if m.Image == 0 {
		return smallImage
	}
	return m.Image
}

func (r *Runner) usersOf(m Measurement) []load.User { return r.users[m.image()][:m.Count] }

// Rounds takes every measurement once a round, and hands on each result.
func (r *Runner) Rounds(ctx context.Context, list []Measurement, rounds int, done func(Run) error) error {
	for round := 1; round <= rounds; round++ {
		reached := map[string]float64{}
		for i, m := range list {
			r.say("round %d of %d, %d of %d: %s: %s", round, rounds, i+1, len(list), m.Name, m.About)
			m = m.at(reached[m.Of])
			result, err := r.once(ctx, m, done)
			switch {
			case ctx.Err() != nil:
				return fmt.Errorf("measure %s: %w", m.Name, err)
			case err != nil: // the others are of use all the same
				result = Run{Name: m.Name, Problems: []string{"could not be measured: " + err.Error()}}
			}
			result.Round = round
			reached[m.Name] = result.PerSecond
			r.say("  %s", result)
			if err := done(result); err != nil {
				return err
			}
		}
	}
	return nil
}

// at fills in rate and count, given what the measurement reached that it refers to.
func (m Measurement) at(reached float64) Measurement {
	if m.Of != "" {
		m.Rate = m.Share * max(reached, light)
	}
	if m.Rate > 0 {
		m.Count = max(1, min(m.Count, int(m.Rate*m.Seconds)))
	}
	return m
}

func (r *Runner) once(ctx context.Context, m Measurement, tried func(Run) error) (Run, error) {
	switch m.Kind {
	case Ours:
		return r.ours(ctx, m)
	case Bull:
		if m.Jobs == 0 {
			best, err := r.best(ctx, m, tried)
			if err != nil {
				return Run{}, err
			}
			m.Jobs = best
		}
		return r.bull(ctx, m)
	case Chain:
		return r.chain(ctx, m)
	}
	return Run{}, fmt.Errorf("no kind %q", m.Kind)
}

// best finds out how many jobs at once are best for Bull.
func (r *Runner) best(ctx context.Context, m Measurement, tried func(Run) error) (int, error) {
	most := 0.0
	for _, jobs := range []int{50, 100, 200} {
		if r.bestJobs != 0 {
			break
		}
		try := Measurement{Name: fmt.Sprintf("bull-try-%d", jobs), Kind: Bull, Count: max(1, m.Count/2), Jobs: jobs}
		result, err := r.bull(ctx, try)
		if err != nil {
			return 0, fmt.Errorf("try %d jobs at once: %w", jobs, err)
		}
		r.say("  %s: %s", try.Name, result)
		if err := tried(result); err != nil {
			return 0, err
		}
		if result.PerSecond > most {
			most, m.Jobs = result.PerSecond, jobs
		}
	}
	if r.bestJobs == 0 {
		r.bestJobs = m.Jobs
	}
	return r.bestJobs, nil
}

func (r *Runner) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Log, format+"\n", args...) // progress only
}
