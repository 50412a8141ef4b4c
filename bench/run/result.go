package run

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Run is one measurement. A figure that was not measured is left out.
type Run struct {
	Name      string             `json:"name"` // of what was measured, see Plan
	Round     int                `json:"round"`
	Count     int                `json:"count"`              // users, or sagas
	Seconds   float64            `json:"seconds"`            // from the first publish to the last one heard
	PerSecond float64            `json:"perSecond"`          // Count by Seconds
	Rate      float64            `json:"rate,omitempty"`     // published a second; 0: as fast as can be
	CPU       map[string]float64 `json:"cpuMillis"`          // CPU time of each user, by program
	Latency   *Latency           `json:"latency,omitempty"`  // from publish to heard
	Resident  map[string]float64 `json:"peakMiB,omitempty"`  // resident memory at most, of each process
	Disk      map[string]float64 `json:"diskKiB,omitempty"`  // bytes on disk of each user, by part
	Server    float64            `json:"serverKiB"`          // resident memory that NATS took for each saga
	Problems  []string           `json:"problems,omitempty"` // broken invariants, and programs that did not behave
}

// Latency are milliseconds.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// latencyOf returns the quantiles of what was measured, nil of nothing. It sorts times.
func latencyOf(times []time.Duration) *Latency {
	if len(times) == 0 {
		return nil
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		return millis(times[min(len(times)-1, int(q*float64(len(times))))])
	}
	return &Latency{P50: at(0.50), P95: at(0.95), P99: at(0.99), Max: millis(times[len(times)-1])}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Measured reports whether the run came to its end.
func (r Run) Measured() bool { return r.Count > 0 }

// String sums the run up in one line.
func (r Run) String() string {
	text := fmt.Sprintf("%d in %.2f s, %.0f/s", r.Count, r.Seconds, r.PerSecond)
	var cpu float64
	for _, used := range r.CPU {
		cpu += used
	}
	text += fmt.Sprintf(", %.3f ms CPU each", cpu)
	for _, name := range slices.Sorted(maps.Keys(r.CPU)) {
		text += fmt.Sprintf(" %s %.3f", name, r.CPU[name])
	}
	if l := r.Latency; l != nil {
		text += fmt.Sprintf(", p50 %.1f p95 %.1f p99 %.1f ms", l.P50, l.P95, l.P99)
	}
	for _, p := range r.Problems {
		text += "\n    PROBLEM: " + p
	}
	return text
}
