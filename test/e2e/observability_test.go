package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/e2e/harness"
)

const (
	rulesFolder = "../../deploy/prometheus"
	dashboard   = "../../deploy/grafana/create-user.json"
	runbook     = "../../docs/operating.md"
)

func TestAlerts_AreValidAndFireWhenTheyShould(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}} {
		cmd := exec.CommandContext(t.Context(), "promtool", args...)
		cmd.Dir = rulesFolder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v (is it there? make setup)\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestAlerts_EachHasATestAndAPlaceInTheRunbook(t *testing.T) {
	t.Parallel()
	tests, text := read(t, filepath.Join(rulesFolder, "rules_test.yaml")), read(t, runbook)
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(read(t, filepath.Join(rulesFolder, "rules.yaml")), -1)
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, a := range alerts {
		if !regexp.MustCompile(`alertname: ` + a[1] + `\n\s+exp_alerts:\n`).MatchString(tests) {
			t.Errorf("%s has no test in which it fires", a[1])
		}
		if !strings.Contains(tests, "alertname: "+a[1]+", exp_alerts: []") {
			t.Errorf("%s has no test in which it does not fire", a[1])
		}
		if !strings.Contains(text, "\n### "+a[1]+"\n") {
			t.Errorf("%s has no section in docs/operating.md", a[1])
		}
	}
}

func TestMetrics_WhatDashboardAndAlertsUseIsExportedByARealRun(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, map[string]string{"LOG_LEVEL": "info"})
	s.Publish(s.ValidRequest("user-ada"), "saga-of-ada")
	s.Publish(s.ValidRequest("user-bob").With("Code", "wrong"), "saga-of-bob")
	exported := awaitMetrics(t, s,
		`create_user_sagas_ended_total{code="created"} 1`,
		`create_user_sagas_ended_total{code="code_incorrect"} 1`,
		"create_user_sagas_started_total 2",
		`create_user_saga_duration_seconds_count{code="created"} 1`,
		`create_user_step_hop_seconds_count{step="encryptor"} 1`,
		`create_user_step_events_total{result="failed",step="code-checker"} 1`,
		`create_user_step_events_total{result="next",step="claim-releaser"} 1`,
		`create_user_step_lag_events{step="row-remover"} 0`,
		`create_user_step_oldest_event_age_seconds{step="token-verifier"} 0`,
		`create_user_step_oldest_event_age_seconds{step="encryptor"} 0`,
		`create_user_dependency_up{dependency="database"} 1`,
	)
	for _, name := range append(namesIn(t, dashboard), namesIn(t, filepath.Join(rulesFolder, "rules.yaml"))...) {
		if !strings.Contains(exported, "\n# TYPE "+name+" ") && !strings.Contains(exported, "\n# TYPE "+base(name)+" histogram") {
			t.Errorf("%s is used, and no service exports it", name)
		}
	}
	for _, id := range []string{"user-ada", "user-bob", event.UserHash("user-ada"), "saga-of"} {
		if strings.Contains(exported, id) {
			t.Errorf("a metric holds %q", id)
		}
	}
}

// awaitMetrics waits until the services show every line, and returns all they show.
func awaitMetrics(t *testing.T, s *harness.System, lines ...string) string {
	t.Helper()
	deadline := time.After(harness.SagaTime)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		exported := s.Metrics()
		missing := slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return strings.Contains(exported, "\n"+line+"\n") })
		if len(missing) == 0 {
			return exported
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("missing:\n%s", strings.Join(missing, "\n"))
		}
	}
}

// namesIn returns the metrics that the expressions in a file use.
func namesIn(t *testing.T, file string) []string {
	t.Helper()
	names := regexp.MustCompile(`\b(create_user|process|go)_[a-z_]+\b`).FindAllString(expressions(t, file), -1)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) < 5 {
		t.Fatalf("%s uses %q alone: is it read rightly?", file, names)
	}
	return names
}

// expressions returns the queries of a dashboard, or a file of rules as it is.
func expressions(t *testing.T, file string) string {
	t.Helper()
	text := read(t, file)
	if !strings.HasSuffix(file, ".json") {
		return text
	}
	var board struct {
		Panels []struct {
			Title, Description string
			Targets            []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &board); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			all.WriteString(target.Expr + "\n")
		}
	}
	return all.String()
}

// base returns the name of the histogram that a series belongs to.
func base(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if b, ok := strings.CutSuffix(name, suffix); ok {
			return b
		}
	}
	return name
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
