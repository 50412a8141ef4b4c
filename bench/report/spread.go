package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/create-user/create-user/bench/run"
)

// spread is the median of some rounds, with the least and the most.
type spread struct{ median, least, most float64 }

// spreadOf returns the spread of values, not a number for none.
func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return spread{median: (values[(n-1)/2] + values[n/2]) / 2, least: values[0], most: values[n-1]}
}

func (s spread) format(digits int) string {
	if math.IsNaN(s.median) {
		return "–"
	}
	if s.least == s.most {
		return number(s.median, digits)
	}
	return fmt.Sprintf("%s (%s–%s)", number(s.median, digits), number(s.least, digits), number(s.most, digits))
}

// number writes a number with commas between thousands.
func number(v float64, digits int) string {
	text := fmt.Sprintf("%.*f", digits, math.Abs(v))
	whole := len(text)
	if digits > 0 {
		whole -= digits + 1
	}
	for i := whole - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if v < 0 {
		text = "-" + text
	}
	return text
}

// of returns a figure of every round of a measurement.
func of(runs []run.Run, name string, figure func(run.Run) float64) []float64 {
	var values []float64
	for _, r := range runs {
		if r.Name == name && r.Measured() {
			values = append(values, figure(r))
		}
	}
	return values
}

// ratio returns, for each round, one measurement's figure divided by another's.
func ratio(runs []run.Run, name, by string, figure func(run.Run) float64) []float64 {
	var values []float64
	for _, r := range runs {
		for _, other := range runs {
			if r.Name == name && other.Name == by && r.Round == other.Round && r.Measured() && other.Measured() {
				values = append(values, figure(r)/figure(other))
			}
		}
	}
	return values
}

func perSecond(r run.Run) float64 { return r.PerSecond }

// cpu returns the CPU time of each user, in all processes of a system.
func cpu(r run.Run) float64 {
	var all float64
	for _, used := range r.CPU {
		all += used
	}
	return all
}

func latency(quantile func(run.Latency) float64) func(run.Run) float64 {
	return func(r run.Run) float64 {
		if r.Latency == nil {
			return math.NaN()
		}
		return quantile(*r.Latency)
	}
}

func p50(l run.Latency) float64 { return l.P50 }
func p95(l run.Latency) float64 { return l.P95 }
func p99(l run.Latency) float64 { return l.P99 }
