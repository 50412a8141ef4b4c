package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/create-user/create-user/bench/chain"
	"github.com/create-user/create-user/bench/child"
	"github.com/create-user/create-user/test/chaos/system"
)

// sagasInFlight is how many sagas are in flight in a chain of empty stages.
const sagasInFlight = 1000

// chain measures five empty stages in one process.
func (r *Runner) chain(ctx context.Context, m Measurement) (result Run, err error) {
	l := chain.Load{Sagas: m.Count, InFlight: sagasInFlight, Slice: max(1, m.Count/20)}
	parts, err := r.drive(ctx, m, l, &result, func(chain.Progress, driven) error { return nil })
	if err != nil {
		return result, err
	}
	for _, s := range parts {
		result.Seconds += s.Seconds
	}
	result.PerSecond = float64(result.Count) / result.Seconds
	return result, nil
}

// driven is what a load goes through.
type driven struct {
	nats   int    // process id of the server
	folder string // of its data
}

// drive puts a load through empty stages, calling after at the end of each slice.
func (r *Runner) drive(ctx context.Context, m Measurement, l chain.Load, result *Run, after func(chain.Progress, driven) error) (all []chain.Progress, err error) {
	*result = Run{Name: m.Name, Count: m.Count}
	s, err := r.startSystem(ctx, m, map[string]int{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.End(), s.Remove()) }() //nolint:contextcheck // also when ctx has ended
	stages, err := child.Start("stages", s.Folder(), os.Environ(), filepath.Join(r.Bin, "stages"), m.Chain, "nats://"+s.Address(system.NATS))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stages.Close()) }()
	if err := stages.Hear(ctx, &struct{}{}); err != nil {
		return nil, err
	}
	d := driven{nats: s.Procs[system.NATS].Pid(), folder: filepath.Join(s.Folder(), system.NATS)}
	folders := map[string]string{"nats": d.folder}
	disk, err := disks(folders)
	if err != nil {
		return nil, err
	}
	meter, err := startMeter(map[string]int{"nats": d.nats, "stages": stages.Pid()})
	if err != nil {
		return nil, err
	}
	bar := r.bar(m.Name, m.Count)
	if err := stages.Tell(l); err != nil {
		return nil, err
	}
	for done := 0; done < l.Sagas; {
		var p chain.Progress
		if err := stages.Hear(ctx, &p); err != nil {
			return nil, err
		}
		done, all = p.Done, append(all, p)
		bar.show(done)
		if err := after(p, d); err != nil {
			return nil, err
		}
	}
	bar.finish()
	if err := meter.stop(result, m.Count); err != nil {
		return nil, err
	}
	result.Disk, err = grown(folders, disk, m.Count)
	return all, err
}
