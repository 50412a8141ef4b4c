package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/system"
)

// Run injects the faults of a schedule, each at its time, and returns when all
// are healed.
func Run(ctx context.Context, s *system.System, schedule []Fault, note func(Fault)) ([]Injected, error) {
	all, errs := make([]Injected, len(schedule)), make([]error, len(schedule))
	begin := time.Now()
	var running sync.WaitGroup
	for i, f := range schedule {
		running.Go(func() {
			if pause(ctx, f.At-time.Since(begin)); ctx.Err() != nil {
				return
			}
			note(f)
			all[i], errs[i] = Inject(ctx, s, f)
		})
	}
	running.Wait()
	return all, errors.Join(errs...)
}

// Random returns a schedule of faults of every kind over d, drawn from a seed.
// One target suffers one fault at a time, and at most one server of a NATS
// cluster is hurt at once, since no cluster lives without its majority. Faults
// last at most longest.
func Random(seed uint64, targets Targets, d, every, longest time.Duration) []Fault {
	random := rand.New(rand.NewPCG(seed, 2))
	busy := map[string]time.Duration{}
	var list []Fault
	for at := every / 2; at < d; at += every/2 + time.Duration(random.Int64N(int64(every))) {
		f := targets.draw(random)
		f.At = at
		f.For = longest/10 + time.Duration(random.Int64N(int64(longest-longest/10)))
		if f.Kind == Kill || f.Kind == Stop {
			f.For = min(f.For, time.Second+time.Duration(random.Int64N(int64(time.Second))))
		}
		if at < busy[targets.group(f.Target)] {
			continue
		}
		busy[targets.group(f.Target)] = at + f.For + restTime
		list = append(list, f)
	}
	return list
}

// restTime is how long a target is left alone after a fault.
const restTime = 2 * time.Second

// Targets are what can be hurt.
type Targets struct {
	Services []string
	Parts    []string
	NATS     []string // servers
}

// All returns everything that can be hurt of a system.
func All(cluster bool) Targets {
	t := Targets{Services: system.Services(), NATS: []string{system.NATS},
		Parts: []string{system.Redis, system.Database, system.Encryption, system.Keys}}
	if cluster {
		t.NATS = []string{system.NATS + "-1", system.NATS + "-2", system.NATS + "-3"}
	}
	return t
}

// group returns what is hurt one at a time: a target, or the whole of NATS,
// whose streams are filled through it.
func (t Targets) group(target string) string {
	for _, name := range append([]string{event.StreamRequests, event.StreamEvents}, t.NATS...) {
		if name == target {
			return system.NATS
		}
	}
	return target
}

// draw draws a fault without its times: half of them hit services.
func (t Targets) draw(random *rand.Rand) Fault {
	one := func(list []string) string { return list[random.IntN(len(list))] }
	kind := []Kind{Kill, Stop, Freeze}[random.IntN(3)]
	connection := []Kind{Cut, Hold}[random.IntN(2)]
	switch n := random.IntN(20); {
	case n < 9:
		return Fault{Kind: kind, Target: one(t.Services)}
	case n < 13:
		return Fault{Kind: kind, Target: one(t.Parts)}
	case n < 15:
		return Fault{Kind: kind, Target: one(t.NATS)}
	case n < 17:
		return Fault{Kind: connection, Target: one(append([]string{system.Clients}, t.Parts...))}
	case n < 18:
		return Fault{Kind: connection, Target: one(t.NATS)}
	default:
		return Fault{Kind: Fill, Target: one([]string{event.StreamRequests, event.StreamEvents})}
	}
}
