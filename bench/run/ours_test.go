package run

import (
	"testing"
	"time"

	"github.com/create-user/create-user/bench/node"
)

func TestTime_RunsFromTheFirstPublishToTheLastHeard(t *testing.T) {
	published := map[string]time.Duration{"a": 10 * time.Second, "b": 11 * time.Second, "c": 13 * time.Second}
	heard := map[string][]node.Heard{
		"a": {{At: 10*time.Second + 900*time.Millisecond}, {At: 15 * time.Second}},
		"b": {{At: 12 * time.Second}}, "c": {{At: 13*time.Second + 100*time.Millisecond}},
	}
	fast := Run{Count: 3}
	fast.time(published, heard)
	if fast.Seconds != 5 || fast.PerSecond != 0.6 || fast.Latency.Max != 1000 {
		t.Errorf("as fast as can be: %+v %+v", fast, fast.Latency)
	}
	steady := Run{Count: 3, Rate: 1}
	steady.time(published, heard)
	if got, want := *steady.Latency, (Latency{P50: 100, P95: 100, P99: 100, Max: 100}); got != want {
		t.Errorf("at a steady rate the warm-up counts: %+v", got)
	}
}

func TestAt_TakesTheRateFromWhatWasReached(t *testing.T) {
	m := Measurement{Count: 20_000, Of: NameOurs, Share: 0.5, Seconds: 8}.at(4000)
	if m.Rate != 2000 || m.Count != 16_000 {
		t.Errorf("rate %g, count %d", m.Rate, m.Count)
	}
	m = Measurement{Count: 100, Rate: 50, Seconds: 15}.at(0)
	if m.Rate != 50 || m.Count != 100 {
		t.Errorf("rate %g, count %d", m.Rate, m.Count)
	}
}
