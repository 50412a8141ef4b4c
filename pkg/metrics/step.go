package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// steps are the metrics of steps, each by step.
type steps struct {
	events       *prometheus.CounterVec // and by result
	redeliveries *prometheus.CounterVec
	deadLetters  *prometheus.CounterVec // and by reason
	handling     *prometheus.HistogramVec
	batch        *prometheus.HistogramVec
	hop          *prometheus.HistogramVec
}

func newSteps() steps {
	counter := func(name, help string, more ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, append([]string{"step"}, more...))
	}
	histogram := func(name, help string, bounds []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: bounds}, []string{"step"})
	}
	return steps{
		events:       counter("step_events_total", "Events that a step has had in hand, by what came of them.", "result"),
		redeliveries: counter("step_redeliveries_total", "Events that a step was delivered again."),
		deadLetters:  counter("dead_letters_total", "Messages that a step has kept as dead letters.", "reason"),
		handling:     histogram("step_handling_seconds", "How long one call of a step's handler takes, for a whole batch.", seconds(250*time.Microsecond, 8*time.Second)),
		batch:        histogram("step_batch_events", "How many events a step handles with one call.", prometheus.ExponentialBuckets(1, 2, 11)),
		hop:          histogram("step_hop_seconds", "From when an event was stored to when the one was stored that the step appended behind it.", seconds(time.Millisecond, 2*time.Minute)),
	}
}

func (s steps) collectors() []prometheus.Collector {
	return []prometheus.Collector{s.events, s.redeliveries, s.deadLetters, s.handling, s.batch, s.hop}
}

// observer observes one step. Its metrics are looked up once, and begin at zero.
type observer struct {
	sagas        sagas
	results      map[saga.Settlement]prometheus.Counter
	deadLetters  map[event.Reason]prometheus.Counter
	redeliveries prometheus.Counter
	handling     prometheus.Observer
	batch        prometheus.Observer
	hop          prometheus.Observer
	inHand, held atomic.Int64
}

func newObserver(m *Metrics, step string) *observer {
	s := m.steps
	o := &observer{
		sagas:        m.sagas,
		results:      map[saga.Settlement]prometheus.Counter{},
		deadLetters:  map[event.Reason]prometheus.Counter{},
		redeliveries: s.redeliveries.WithLabelValues(step),
		handling:     s.handling.WithLabelValues(step),
		batch:        s.batch.WithLabelValues(step),
		hop:          s.hop.WithLabelValues(step),
	}
	for _, result := range saga.Settlements() {
		o.results[result] = s.events.WithLabelValues(step, string(result))
	}
	for _, reason := range event.Reasons() {
		o.deadLetters[reason] = s.deadLetters.WithLabelValues(step, string(reason))
	}
	gauge := func(name, help string, read func() float64) {
		m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: name, Help: help, ConstLabels: prometheus.Labels{"step": step},
		}, read))
	}
	gauge("step_in_flight_events", "Events that a step has in hand.", func() float64 { return float64(o.inHand.Load()) })
	gauge("step_held_events", "Events that a step holds in hand because something they need is away.", func() float64 { return float64(o.held.Load()) })
	gauge("step_breaker_open", "1 while a step holds events because something they need is away, and hardly takes more; else 0.", func() float64 {
		return float64(min(1, o.held.Load()))
	})
	return o
}

func (o *observer) Taken(events, again int) {
	o.inHand.Add(int64(events))
	o.redeliveries.Add(float64(again))
}

func (o *observer) Handled(events int, took time.Duration) {
	o.batch.Observe(float64(events))
	o.handling.Observe(took.Seconds())
}

func (o *observer) Settled(how saga.Settlement) {
	o.inHand.Add(-1)
	o.results[how].Inc()
}

func (o *observer) Held(change int) {
	if change != 0 {
		o.held.Add(int64(change))
	}
}

func (o *observer) Appended(a saga.Appended) {
	o.hop.Observe(a.Hop.Seconds())
	o.sagas.appended(a)
}

func (o *observer) DeadLettered(reason event.Reason) { o.deadLetters[reason].Inc() }
