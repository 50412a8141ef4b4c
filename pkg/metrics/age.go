package metrics

import (
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ages shows how old the oldest event is that waits for each step. It is safe for
// concurrent use.
type ages struct {
	mu    sync.Mutex
	known map[string]time.Duration          // guarded by mu; by step, as measured last
	read  []func() map[string]time.Duration // guarded by mu; asked at each scrape
}

// OldestEvents adds what knows the ages of the oldest events, by step: the
// watchdog, which sees every event. A service may ask how many events wait for it,
// and reads none but those that it is given.
func (m *Metrics) OldestEvents(read func() map[string]time.Duration) {
	a := m.backlog.ages
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read = append(a.read, read)
}

func (a *ages) set(step string, age time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known[step] = age
}

func (a *ages) forget(step string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.known, step)
}

func (*ages) desc() *prometheus.Desc {
	return prometheus.NewDesc(namespace+"_step_oldest_event_age_seconds",
		"Age of the oldest event that a step has not handled; 0 when there is none. Shown by every token-verifier for its own step, and by every watchdog for the steps after it.",
		[]string{"step"}, nil)
}

// Describe implements [prometheus.Collector].
func (a *ages) Describe(all chan<- *prometheus.Desc) { all <- a.desc() }

// Collect implements [prometheus.Collector].
func (a *ages) Collect(all chan<- prometheus.Metric) {
	a.mu.Lock()
	found, read := maps.Clone(a.known), a.read
	a.mu.Unlock()
	for _, ages := range read {
		maps.Copy(found, ages())
	}
	for step, age := range found {
		all <- prometheus.MustNewConstMetric(a.desc(), prometheus.GaugeValue, max(0, age).Seconds(), step)
	}
}
