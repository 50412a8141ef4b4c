package watch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/create-user/create-user/pkg/event"
)

// waiting shows which steps the open sagas wait for. The watchdog sees that also
// while a step's service is away, which then shows nothing itself. Every watchdog
// shows the same.
type waiting struct{ sagas *openSagas }

func (waiting) desc() *prometheus.Desc {
	return prometheus.NewDesc("create_user_open_sagas",
		"Sagas that have begun and not ended, by the step that they wait for. Every watchdog shows the same.", []string{"step"}, nil)
}

// Describe implements [prometheus.Collector].
func (w waiting) Describe(all chan<- *prometheus.Desc) { all <- w.desc() }

// Collect implements [prometheus.Collector].
func (w waiting) Collect(all chan<- prometheus.Metric) {
	count, _ := w.sagas.waiting()
	for t, step := range waitedFor() {
		all <- prometheus.MustNewConstMetric(w.desc(), prometheus.GaugeValue, float64(count[t]), step)
	}
}

// oldest returns how long a saga has waited for each step at most.
func (w waiting) oldest() map[string]time.Duration {
	count, since := w.sagas.waiting()
	ages := map[string]time.Duration{}
	for t, step := range waitedFor() {
		ages[step] = 0
		if count[t] > 0 {
			ages[step] = time.Since(since[t])
		}
	}
	return ages
}

// waitedFor returns the steps that an open saga may wait for, by its last event.
func waitedFor() map[event.Type]string {
	steps := map[event.Type]string{}
	for _, s := range event.Path() {
		if t := s.Consumes[0]; t != event.TypeRequested && !t.Terminal() {
			steps[t] = s.Name
		}
	}
	return steps
}

// waiting returns how many sagas are open, by their last event, and when the
// oldest of these events was stored.
func (o *openSagas) waiting() (count map[event.Type]int, since map[event.Type]time.Time) {
	count, since = map[event.Type]int{}, map[event.Type]time.Time{}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, s := range o.open {
		if count[s.last]++; count[s.last] == 1 || s.stored.Before(since[s.last]) {
			since[s.last] = s.stored
		}
	}
	return count, since
}
