// Package fault injects faults into a running system on a schedule that follows
// from a seed.
package fault

import (
	"context"
	"fmt"
	"time"

	"github.com/create-user/create-user/test/chaos/system"
)

// Kind is what is done to a target.
type Kind string

// The kinds of faults. The target of the first three is a process, of the next
// two a proxy, of the last a stream.
const (
	Kill   Kind = "kill -9"
	Stop   Kind = "stop"   // SIGTERM
	Freeze Kind = "freeze" // SIGSTOP
	Cut    Kind = "cut"    // all connections are reset, again and again
	Hold   Kind = "hold"   // nothing passes over the connections
	Fill   Kind = "fill"   // the stream is at its limit
)

// Fault is one planned fault.
type Fault struct {
	Kind   Kind          `json:"kind"`
	Target string        `json:"target"`
	At     time.Duration `json:"at"`  // from the beginning of the load
	For    time.Duration `json:"for"` // until it is healed
}

// String describes the fault in one line.
func (f Fault) String() string {
	return fmt.Sprintf("%s %s at %s for %s", f.Kind, f.Target, f.At.Round(time.Millisecond), f.For.Round(time.Millisecond))
}

// Injected is a fault that was injected, and when.
type Injected struct {
	Fault
	Begun  time.Time `json:"begun"`
	Healed time.Time `json:"healed"` // the target answers again
}

// Inject carries out one fault and heals it. A run that ctx ends is healed too.
func Inject(ctx context.Context, s *system.System, f Fault) (Injected, error) {
	done := Injected{Fault: f, Begun: time.Now()}
	proc, proxy := s.Procs[f.Target], s.Proxies[f.Target]
	if (f.Kind == Kill || f.Kind == Stop || f.Kind == Freeze) && proc == nil || (f.Kind == Cut || f.Kind == Hold) && proxy == nil {
		return done, fmt.Errorf("%s: no such target", f)
	}
	healing := context.WithoutCancel(ctx)
	var err error
	switch f.Kind {
	case Kill:
		proc.Kill()
		pause(ctx, f.For)
		err = proc.Start(healing)
	case Stop:
		proc.Stop()
		pause(ctx, f.For)
		err = proc.Start(healing)
	case Freeze:
		proc.Freeze()
		pause(ctx, f.For)
		proc.Thaw()
		err = proc.AwaitReady(healing)
	case Cut:
		cut(ctx, proxy, f.For)
	case Hold:
		proxy.Hold()
		pause(ctx, f.For)
		proxy.Release()
	case Fill:
		fill(ctx, s, f)
	}
	done.Healed = time.Now()
	if err != nil {
		return done, fmt.Errorf("%s: %w", f, err)
	}
	return done, nil
}

// cutEvery is how often connections are cut while a cut lasts.
const cutEvery = 300 * time.Millisecond

func cut(ctx context.Context, proxy *system.Proxy, d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; pause(ctx, cutEvery) {
		proxy.Cut()
	}
}

// fill fills a stream, unless its server is away for as long, and empties it,
// as soon as its server is there.
func fill(ctx context.Context, s *system.System, f Fault) {
	filling, cancel := context.WithTimeout(ctx, f.For)
	defer cancel()
	for s.Fill(filling, f.Target) != nil && filling.Err() == nil {
		pause(filling, cutEvery)
	}
	<-filling.Done()
	healing := context.WithoutCancel(ctx)
	for s.Empty(healing, f.Target) != nil {
		pause(healing, cutEvery)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
