package run

import (
	"testing"
	"time"
)

func TestLatencyOf_TakesTheQuantiles(t *testing.T) {
	var times []time.Duration
	for i := range 1000 {
		times = append(times, time.Duration(1000-i)*time.Millisecond)
	}
	if got, want := *latencyOf(times), (Latency{P50: 501, P95: 951, P99: 991, Max: 1000}); got != want {
		t.Errorf("quantiles %+v, want %+v", got, want)
	}
	if got, want := *latencyOf(times[:1]), (Latency{P50: 1, P95: 1, P99: 1, Max: 1}); got != want {
		t.Errorf("quantiles of one %+v, want %+v", got, want)
	}
	if latencyOf(nil) != nil {
		t.Error("nothing has quantiles")
	}
}
