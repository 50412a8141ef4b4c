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
	Count int // users or sagas

	Rate     float64        // requests a second; 0: as fast as can be
	Share    float64        // in place of Rate: this part of what Of reached in the same round
	Of       string         // name of a measurement before this one
	Image    int            // bytes
	Plain    bool           // published as plain JSON, without the SDK
	Sync     string         // sync_interval of NATS; empty: its default, 2 min
	Replicas map[string]int // of each service; default 1
	Chain    string         // make of the empty stages
}

// Kind says what a measurement measures.
type Kind string

// The kinds.
const (
	Ours  Kind = "Create User"
	Chain Kind = "empty stages"
)

// Runner measures.
type Runner struct {
	Bin string    // folder of the programs
	Log io.Writer // told of the progress

	users map[int][]load.User // prepared users, by the size of their images
}

// Prepare makes all users that the measurements need.
func (r *Runner) Prepare(list []Measurement) (err error) {
	most := map[int]int{}
	for _, m := range list {
		if m.Kind != Chain {
			most[m.Image] = max(most[m.Image], m.Count)
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

func (r *Runner) usersOf(m Measurement) []load.User { return r.users[m.Image][:m.Count] }

// Rounds takes every measurement once a round, and hands on each result.
func (r *Runner) Rounds(ctx context.Context, list []Measurement, rounds int, done func(Run) error) error {
	for round := 1; round <= rounds; round++ {
		reached := map[string]float64{}
		for i, m := range list {
			r.say("round %d of %d, %d of %d: %s", round, rounds, i+1, len(list), m.Name)
			if m.Of != "" {
				m.Rate = m.Share * reached[m.Of]
			}
			result, err := r.once(ctx, m)
			if err != nil {
				return fmt.Errorf("measure %s: %w", m.Name, err)
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

func (r *Runner) once(ctx context.Context, m Measurement) (Run, error) {
	switch m.Kind {
	case Ours:
		return r.ours(ctx, m)
	case Chain:
		return r.chain(ctx, m)
	}
	return Run{}, fmt.Errorf("no kind %q", m.Kind)
}

func (r *Runner) say(format string, args ...any) {
	_, _ = fmt.Fprintf(r.Log, format+"\n", args...) // progress only
}
