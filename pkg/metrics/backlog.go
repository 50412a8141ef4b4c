package metrics

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// backlog is what waits for each step, over all its replicas: every replica
// shows the same, so take the maximum, not the sum.
type backlog struct {
	pending, unacked *prometheus.GaugeVec
	ages             *ages
}

func newBacklog() backlog {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, []string{"step"})
	}
	return backlog{
		pending: gauge("step_lag_events", "Events that wait for a step and that no replica has taken yet. Every replica shows the same."),
		unacked: gauge("step_unacked_events", "Events that are in the hands of any replica of a step, or wait to be delivered again. Every replica shows the same."),
		ages:    &ages{known: map[string]time.Duration{}},
	}
}

func (b backlog) collectors() []prometheus.Collector {
	return []prometheus.Collector{b.pending, b.unacked, b.ages}
}

const (
	// pollEvery is how often the server is asked what waits for a step: often
	// enough for a scrape every 15 s, and nothing beside the work itself.
	pollEvery = 5 * time.Second
	// pollTime bounds one question.
	pollTime = 2 * time.Second
)

// Poll measures, until ctx ends, what waits for the steps. What cannot be told
// is not shown, rather than shown as it was.
func (m *Metrics) Poll(ctx context.Context, js jetstream.JetStream, steps []string, log zerolog.Logger) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		for _, step := range steps {
			m.Measure(ctx, js, step, log)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Measure measures what waits for a step now.
func (m *Metrics) Measure(ctx context.Context, js jetstream.JetStream, step string, log zerolog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, pollTime)
	defer cancel()
	b := m.backlog
	found, err := saga.ReadBacklog(ctx, js, step)
	if err != nil {
		log.Debug().Err(err).Str("step", step).Msg("cannot measure what waits for the step")
		b.pending.DeleteLabelValues(step)
		b.unacked.DeleteLabelValues(step)
	} else {
		b.pending.WithLabelValues(step).Set(float64(found.Pending))
		b.unacked.WithLabelValues(step).Set(float64(found.Unacked))
	}
	if step == event.StepTokenVerifier {
		b.measureOldest(ctx, js, err == nil && found == (saga.Backlog{}), log)
	}
}

// measureOldest measures how long requests have waited: for no time when none does.
func (b backlog) measureOldest(ctx context.Context, js jetstream.JetStream, none bool, log zerolog.Logger) {
	if none {
		b.ages.set(event.StepTokenVerifier, 0)
		return
	}
	stored, err := saga.OldestRequest(ctx, js)
	switch {
	case err != nil:
		log.Debug().Err(err).Str("step", event.StepTokenVerifier).Msg("cannot measure how long requests have waited")
		b.ages.forget(event.StepTokenVerifier)
	case stored.IsZero():
		b.ages.set(event.StepTokenVerifier, 0)
	default:
		b.ages.set(event.StepTokenVerifier, time.Since(stored))
	}
}
