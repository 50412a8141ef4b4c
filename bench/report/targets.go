package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/create-user/create-user/bench/run"
	"github.com/create-user/create-user/test/chaos/system"
)

// target is what is to be reached.
type target struct {
	text   string
	values []float64 // of each round
	limit  float64
	below  bool // the limit is the most, else the least
	digits int
}

func (t target) met() bool {
	median := spreadOf(t.values).median
	if t.below {
		return median <= t.limit
	}
	return median >= t.limit
}

func (t target) row() string {
	met := "met"
	switch {
	case len(t.values) == 0 || math.IsNaN(spreadOf(t.values).median):
		met = "not measured"
	case !t.met():
		met = "**not met**"
	}
	return fmt.Sprintf("| %s | %s | %s |\n", t.text, spreadOf(t.values).format(t.digits), met)
}

// targets returns the targets, each with what was measured.
func targets(rounds Rounds, scale Scale) []target {
	r, p := rounds.Runs, latency(p99)
	return []target{
		{text: "users/s, by those of the Bull job with 5 at once: at least 10", values: ratio(r, run.NameOurs, run.NameBull5, perSecond), limit: 10, digits: 1},
		{text: "users/s, by those of the Bull job at its best: at least 8", values: ratio(r, run.NameOurs, run.NameBullBest, perSecond), limit: 8, digits: 1},
		{text: "CPU time of a user, by that of the Bull job at its best: at most 0.125", values: ratio(r, run.NameOurs, run.NameBullBest, cpu), limit: 0.125, below: true, digits: 3},
		{text: "users/s, by sagas/s of the bare chain: at least 0.33", values: ratio(r, run.NameOurs, run.NameBare, perSecond), limit: 1.0 / 3, digits: 2},
		{text: "sagas/s of the runner alone, by those of the bare chain: at least 0.7", values: ratio(r, run.NameRunner, run.NameBare, perSecond), limit: 0.7, digits: 2},
		{text: "sagas/s of the runner alone, by those of Watermill: at least 2", values: ratio(r, run.NameRunner, run.NameWatermill, perSecond), limit: 2, digits: 2},
		{text: "p99 at 50 users/s, by that of the Bull job: at most 1", values: ratio(r, run.NameOurs50, run.NameBull50, p), limit: 1, below: true, digits: 2},
		{text: "p99 at 50 users/s: at most 25 ms", values: of(r, run.NameOurs50, p), limit: 25, below: true, digits: 1},
		{text: "p99 at 80 % of the maximum: at most 250 ms", values: of(r, run.NameOurs80, p), limit: 250, below: true, digits: 0},
		{text: "sagas/s over the last 5 % of the long history, by those over the first 5 %: at least 0.9", values: flatness(scale), limit: 0.9, digits: 2},
		{text: "resident memory of the largest service at full load: at most 64 MiB", values: of(r, run.NameOurs, largestService), limit: 64, below: true, digits: 0},
	}
}

// largestService returns the most memory that any service has taken.
func largestService(r run.Run) float64 {
	most := 0.0
	for name, mib := range r.Resident {
		if slices.Contains(system.Services(), run.Program(name)) {
			most = max(most, mib)
		}
	}
	return most
}

// ends is how many slices are taken together at either end of a history: one
// alone is as noisy as the second that it takes.
const ends = 5

// flatness returns what is left of the throughput at the end of a history.
func flatness(s Scale) []float64 {
	if len(s.Slices) < 2*ends {
		return nil
	}
	var first, last []float64
	for i := range ends {
		first = append(first, s.Slices[i].PerSecond)
		last = append(last, s.Slices[len(s.Slices)-1-i].PerSecond)
	}
	return []float64{spreadOf(last).median / spreadOf(first).median}
}
