package metrics

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/saga"
)

// backlog is what waits for each step, over all its replicas: every replica
// shows the same, so take the maximum, not the sum.
type backlog struct {
	pending, unacked, oldest *prometheus.GaugeVec
}

func newBacklog() backlog {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, []string{"step"})
	}
	return backlog{
		pending: gauge("step_lag_events", "Events that wait for a step and that no replica has taken yet. Every replica shows the same."),
		unacked: gauge("step_unacked_events", "Events that are in the hands of any replica of a step, or wait to be delivered again. Every replica shows the same."),
		oldest:  gauge("step_oldest_event_age_seconds", "Age of the oldest event that a step has not handled; 0 when there is none. Every replica shows the same."),
	}
}

func (b backlog) collectors() []prometheus.Collector {
	return []prometheus.Collector{b.pending, b.unacked, b.oldest}
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
	found, err := saga.ReadBacklog(ctx, js, step)
	if err != nil {
		log.Debug().Err(err).Str("step", step).Msg("cannot measure what waits for the step")
	}
	b := m.backlog
	if known := err == nil || found != (saga.Backlog{}); known {
		b.pending.WithLabelValues(step).Set(float64(found.Pending))
		b.unacked.WithLabelValues(step).Set(float64(found.Unacked))
	} else {
		b.pending.DeleteLabelValues(step)
		b.unacked.DeleteLabelValues(step)
	}
	switch {
	case err != nil:
		b.oldest.DeleteLabelValues(step)
	case found.Oldest.IsZero():
		b.oldest.WithLabelValues(step).Set(0)
	default:
		b.oldest.WithLabelValues(step).Set(max(0, time.Since(found.Oldest)).Seconds())
	}
}
