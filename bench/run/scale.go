package run

import (
	"context"
	"slices"
	"time"

	"github.com/create-user/create-user/bench/chain"
	"github.com/create-user/create-user/bench/proc"
)

// Slice is what a chain of steps did at one length of the history.
type Slice struct {
	Sagas     int     `json:"sagas"`     // that the history holds at its end
	PerSecond float64 `json:"perSecond"` // sagas
	ServerMiB float64 `json:"serverMiB"` // resident memory of NATS
	DiskMiB   float64 `json:"diskMiB"`   // of NATS
	StepP50   float64 `json:"stepP50"`   // milliseconds that a saga alone takes for each step
	StepP95   float64 `json:"stepP95"`
}

// probes is how many sagas go through alone after each slice.
const probes = 100

// Scale puts n sagas through five empty steps on pkg/saga, and looks at every
// hundredth part of them. The inbox, the steps, and NATS run as in [Chain].
func (r *Runner) Scale(ctx context.Context, n int) ([]Slice, Run, error) {
	m := Measurement{Name: "scale", Kind: Chain, Count: n, Chain: chain.Runner, Store: 12 << 30}
	l := chain.Load{Sagas: n, InFlight: sagasInFlight, Slice: max(1, n/100), Probes: min(n, probes)}
	r.say("%d sagas through five empty steps", n)
	var result Run
	var list []Slice
	before := 0
	_, err := r.drive(ctx, m, l, &result, func(p chain.Progress, d driven) error {
		memory, err := proc.MemoryOf(d.nats)
		if err != nil {
			return err
		}
		disk, err := proc.Disk(d.folder)
		if err != nil {
			return err
		}
		list = append(list, Slice{
			Sagas: p.Done, PerSecond: float64(p.Done-before) / p.Seconds,
			ServerMiB: mib(memory.Resident), DiskMiB: mib(disk),
			StepP50: step(p.Probes, 0.50), StepP95: step(p.Probes, 0.95),
		})
		before = p.Done
		if len(list)%10 == 0 {
			r.say("  %+v", list[len(list)-1])
		}
		return nil
	})
	return list, result, err
}

// step returns a quantile of what one step of a saga took.
func step(times []time.Duration, q float64) float64 {
	slices.Sort(times)
	return millis(times[int(q*float64(len(times)))]) / float64(len(chain.Stages()))
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
