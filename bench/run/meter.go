package run

import (
	"errors"
	"strings"
	"time"

	"github.com/create-user/create-user/bench/proc"
)

// meter reads what a set of processes has used since it was started.
type meter struct {
	pids   map[string]int // by name
	cpu    map[string]time.Duration
	memory map[string]proc.Memory
}

func startMeter(pids map[string]int) (*meter, error) {
	m := &meter{pids: pids}
	var err error
	m.cpu, m.memory, err = m.read()
	return m, err
}

func (m *meter) read() (map[string]time.Duration, map[string]proc.Memory, error) {
	cpu, memory := map[string]time.Duration{}, map[string]proc.Memory{}
	var errs []error
	for name, pid := range m.pids {
		used, err := proc.CPU(pid)
		errs = append(errs, err)
		cpu[name] = used
		memory[name], err = proc.MemoryOf(pid)
		errs = append(errs, err)
	}
	return cpu, memory, errors.Join(errs...)
}

// stop fills in what was used for each of n users. Replicas of a program count
// together for CPU time, and each for itself for memory.
func (m *meter) stop(r *Run, n int) error {
	cpu, memory, err := m.read()
	if err != nil {
		return err
	}
	r.CPU, r.Resident = map[string]float64{}, map[string]float64{}
	for name := range m.pids {
		r.CPU[Program(name)] += millis(cpu[name]-m.cpu[name]) / float64(n)
		r.Resident[name] = float64(memory[name].Peak) / (1 << 20)
	}
	const nats = "nats"
	if after, ok := memory[nats]; ok {
		r.Server = float64(after.Resident-m.memory[nats].Resident) / 1024 / float64(n)
	}
	return nil
}

// Program returns what a replica, such as notifier-2, is one of.
func Program(name string) string { return strings.TrimRight(name, "-0123456789") }
