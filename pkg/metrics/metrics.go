// Package metrics measures a process for Prometheus.
//
// Every process has a registry of its own. No name or label holds an Id, a saga
// or anything else that grows with the users. What a metric counts over several
// replicas is made so that sums do not count twice: an end of a saga, for one, is
// counted by the process whose append the event store acknowledged, and only there.
package metrics

import (
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// namespace is what every name begins with, but those of the Go runtime and of
// the process.
const namespace = "create_user"

// Metrics are those of one process. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	steps    steps
	sagas    sagas
	backlog  backlog
}

// New returns the metrics of a process that is built from version.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), steps: newSteps(), sagas: newSagas(), backlog: newBacklog()}
	m.Register(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "build_info", Help: "1, with what the process is built from.",
			ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
		}, func() float64 { return 1 }),
	)
	m.Register(m.steps.collectors()...)
	m.Register(m.sagas.collectors()...)
	m.Register(m.backlog.collectors()...)
	return m
}

// Register adds collectors. What is there already stays as it is: services that
// share a process may measure the same thing. It panics for one that contradicts
// what is there, which is a mistake in the program.
func (m *Metrics) Register(all ...prometheus.Collector) {
	for _, c := range all {
		err := m.registry.Register(c)
		if _, there := errors.AsType[prometheus.AlreadyRegisteredError](err); err != nil && !there {
			panic(err)
		}
	}
}

// Gauge adds a value that is read at each scrape. The name gets the namespace.
func (m *Metrics) Gauge(name, help string, read func() float64) {
	m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, read))
}

// Handler answers GET /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Observe returns what observes a step: see [saga.Config].
func (m *Metrics) Observe(step string) saga.Observer {
	return newObserver(m, step)
}

// seconds returns the bounds of a histogram of times: from first, doubling,
// until last is within.
func seconds(first, last time.Duration) []float64 {
	var bounds []float64
	for d := first; ; d *= 2 {
		bounds = append(bounds, d.Seconds())
		if d >= last {
			return bounds
		}
	}
}

// sagas are the metrics of whole sagas.
type sagas struct {
	started  prometheus.Counter
	ended    *prometheus.CounterVec   // by code
	duration *prometheus.HistogramVec // by code
}

func newSagas() sagas {
	s := sagas{
		started: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "sagas_started_total", Help: "Sagas whose first event this process has appended.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "sagas_ended_total", Help: "Sagas whose last event this process has appended, by the code of their outcome.",
		}, []string{"code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "saga_duration_seconds", Help: "From when its request was stored to the end of a saga that this process has ended, by the code of its outcome.",
			Buckets: seconds(time.Millisecond, 2*time.Minute),
		}, []string{"code"}),
	}
	for _, code := range event.Codes() { // a counter that begins at 1 shows no increase
		s.ended.WithLabelValues(string(code))
	}
	return s
}

func (s sagas) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.started, s.ended, s.duration}
}

// appended counts what an event that was stored means for its saga.
func (s sagas) appended(a saga.Appended) {
	if a.First {
		s.started.Inc()
	}
	if a.Code == "" {
		return
	}
	s.ended.WithLabelValues(string(a.Code)).Inc()
	if !a.Requested.IsZero() {
		s.duration.WithLabelValues(string(a.Code)).Observe(max(0, time.Since(a.Requested)).Seconds())
	}
}
