package watch

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/create-user/create-user/pkg/event"
)

// waiting shows which steps the open sagas wait for, and since when. The
// watchdog sees that also while a step's service is away, which then shows nothing
// itself. Every watchdog shows the same.
type waiting struct{ sagas *openSagas }

func (waiting) open() *prometheus.Desc {
	return prometheus.NewDesc("create_user_open_sagas",
		"Sagas that have begun and not ended, by the step that they wait for. Every watchdog shows the same.", []string{"step"}, nil)
}

func (waiting) oldest() *prometheus.Desc {
	return prometheus.NewDesc("create_user_open_saga_oldest_wait_seconds",
		"For how long a saga has waited for a step at most; 0 when none does. Every watchdog shows the same.", []string{"step"}, nil)
}

// Describe implements [prometheus.Collector].
func (w waiting) Describe(all chan<- *prometheus.Desc) {
	all <- w.open()
	all <- w.oldest()
}

// Collect implements [prometheus.Collector].
func (w waiting) Collect(all chan<- prometheus.Metric) {
	count, since := w.sagas.waiting()
	for _, step := range event.Path() {
		consumed := step.Consumes[0]
		if consumed == event.TypeRequested || consumed.Terminal() {
			continue // no saga is open there
		}
		var oldest time.Duration
		if count[consumed] > 0 {
			oldest = max(0, time.Since(since[consumed]))
		}
		all <- prometheus.MustNewConstMetric(w.open(), prometheus.GaugeValue, float64(count[consumed]), step.Name)
		all <- prometheus.MustNewConstMetric(w.oldest(), prometheus.GaugeValue, oldest.Seconds(), step.Name)
	}
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
