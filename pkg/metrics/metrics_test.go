package metrics_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/metrics"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// scrape returns what Prometheus reads.
func scrape(t testing.TB, m *metrics.Metrics) string {
	t.Helper()
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("scrape: status %d, %v\n%s", answer.StatusCode, err, text)
	}
	return string(text)
}

// expect checks that each line stands in text.
func expect(t testing.TB, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if t.Failed() {
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "create_user") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
}

func TestObserve_CountsWhatBecameOfEvents(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	o := m.Observe(event.StepEncryptor)
	o.Taken(5, 2)
	o.Handled(3, 20*time.Millisecond)
	o.Held(2)
	o.Settled(saga.SettledNext)
	o.Settled(saga.SettledNext)
	o.Settled(saga.SettledDeadLetter)
	o.DeadLettered(event.ReasonPanic)
	expect(t, scrape(t, m),
		`create_user_step_events_total{result="next",step="encryptor"} 2`,
		`create_user_step_events_total{result="dead_letter",step="encryptor"} 1`,
		`create_user_step_events_total{result="retry",step="encryptor"} 0`,
		`create_user_step_redeliveries_total{step="encryptor"} 2`,
		`create_user_step_in_flight_events{step="encryptor"} 2`,
		`create_user_step_held_events{step="encryptor"} 2`,
		`create_user_step_breaker_open{step="encryptor"} 1`,
		`create_user_step_batch_events_sum{step="encryptor"} 3`,
		`create_user_step_handling_seconds_count{step="encryptor"} 1`,
		`create_user_step_handling_seconds_bucket{step="encryptor",le="0.016"} 0`,
		`create_user_step_handling_seconds_bucket{step="encryptor",le="0.032"} 1`,
		`create_user_dead_letters_total{reason="panic",step="encryptor"} 1`,
		`create_user_dead_letters_total{reason="poison",step="encryptor"} 0`,
	)
	o.Held(-2)
	expect(t, scrape(t, m), `create_user_step_breaker_open{step="encryptor"} 0`)
}

func TestObserve_CountsSagas(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	o := m.Observe(event.StepCodeDeleter)
	o.Appended(saga.Appended{Type: event.TypeTokenVerified, First: true, Hop: 3 * time.Millisecond, Requested: time.Now()})
	o.Appended(saga.Appended{Type: event.TypeCompleted, Code: event.CodeCreated, Hop: time.Second, Requested: time.Now().Add(-10 * time.Second)})
	o.Appended(saga.Appended{Type: event.TypeFailed, Code: event.CodeLocked}) // of an event that does not say when its request came
	expect(t, scrape(t, m),
		"create_user_sagas_started_total 1",
		`create_user_sagas_ended_total{code="created"} 1`,
		`create_user_sagas_ended_total{code="code_locked"} 1`,
		`create_user_sagas_ended_total{code="user_exists"} 0`,
		`create_user_saga_duration_seconds_bucket{code="created",le="8.192"} 0`,
		`create_user_saga_duration_seconds_bucket{code="created",le="16.384"} 1`,
		`create_user_step_hop_seconds_count{step="code-deleter"} 3`,
	)
	if text := scrape(t, m); strings.Contains(text, `saga_duration_seconds_count{code="code_locked"}`) {
		t.Error("the duration of a saga is shown whose beginning is not known")
	}
}

func TestMetrics_KeepThePrometheusConventions(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	m := metrics.New("v1")
	o := m.Observe(event.StepCodeChecker)
	o.Appended(saga.Appended{Code: event.CodeCreated, Requested: time.Now()})
	m.Measure(t.Context(), s.JS(), event.StepCodeChecker, zerolog.Nop())
	problems, err := promlint.New(strings.NewReader(scrape(t, m))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetrics_ServicesThatShareAProcessShareTheRegistry(t *testing.T) {
	t.Parallel()
	m := metrics.New("v1")
	for range 2 {
		m.Gauge("things", "Things.", func() float64 { return 7 })
		m.Observe(event.StepEncryptor).Taken(1, 0)
	}
	expect(t, scrape(t, m), "create_user_things 7")
}

func TestRegister_SaysWhatCannotBeRegistered(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a metric of another kind under a name that is taken is accepted in silence")
		}
	}()
	m := metrics.New("v1")
	m.Gauge("things", "Things.", func() float64 { return 7 })
	m.Register(prometheus.NewCounter(prometheus.CounterOpts{Name: "create_user_things", Help: "Other things."}))
}

func TestMeasure_ShowsWhatWaitsForAStep(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker, event.StepTokenVerifier)
	m := metrics.New("v1")
	// shows measures until the text is as wanted: the server counts what waits a moment after it is stored.
	shows := func(what, step string, wanted func(text string) bool) {
		t.Helper()
		var text string
		for limit := time.Now().Add(10 * time.Second); time.Now().Before(limit); {
			m.Measure(t.Context(), s.JS(), step, zerolog.Nop())
			if text = scrape(t, m); wanted(text) {
				return
			}
		}
		t.Fatalf("not so: %s\n%s", what, text)
	}
	waiting := func(pending, unacked int) func(string) bool {
		return func(text string) bool {
			return strings.Contains(text, fmt.Sprintf("create_user_step_lag_events{step=\"code-checker\"} %d\n", pending)) &&
				strings.Contains(text, fmt.Sprintf("create_user_step_unacked_events{step=\"code-checker\"} %d\n", unacked))
		}
	}
	shows("nothing waits", event.StepCodeChecker, waiting(0, 0))
	for _, id := range []string{"ada", "bob"} {
		s.Append(event.TokenVerified{ID: id}, s.Key(id), time.Time{})
	}
	take(t, s)
	shows("one waits, one is in hand", event.StepCodeChecker, waiting(1, 1))

	const age = `create_user_step_oldest_event_age_seconds{step="token-verifier"} `
	const none = age + "0\n"
	shows("no request has an age", event.StepTokenVerifier, func(text string) bool { return strings.Contains(text, none) })
	s.PublishRaw([]byte("{}"), nil)
	shows("the oldest request has an age", event.StepTokenVerifier, func(text string) bool {
		return strings.Contains(text, age) && !strings.Contains(text, none)
	})
	if err := s.JS().DeleteConsumer(t.Context(), event.StreamEvents, event.StepCodeChecker); err != nil {
		t.Fatal(err)
	}
	shows("what cannot be told is not shown", event.StepCodeChecker, func(text string) bool {
		return !strings.Contains(text, `create_user_step_lag_events{step="code-checker"`)
	})
}

// take takes one event of the code-checker, and keeps it in hand.
func take(t *testing.T, s *sagatest.Server) {
	t.Helper()
	consumer, err := s.JS().Consumer(t.Context(), event.StreamEvents, event.StepCodeChecker)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := consumer.Next(jetstream.FetchMaxWait(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
}
