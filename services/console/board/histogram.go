package board

import (
	"math"
	"time"
)

// perDoubling is how many bins of a histogram lie between a time and twice it:
// a quantile is off by 9 % at most.
const perDoubling = 8

// histogram counts durations in bins whose bounds grow by a constant factor,
// from a microsecond to about an hour.
type histogram struct {
	bins [32 * perDoubling]uint32
}

func (h *histogram) add(d time.Duration) {
	us := max(1, float64(d.Microseconds()))
	h.bins[min(len(h.bins)-1, int(perDoubling*math.Log2(us)))]++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.bins {
		h.bins[i] += n
	}
}

func (h *histogram) quantiles() Quantiles {
	return Quantiles{P50: h.quantile(0.50), P99: h.quantile(0.99)}
}

// quantile returns the upper bound of the bin that holds the share q of all.
func (h *histogram) quantile(q float64) time.Duration {
	total := 0.0
	for _, n := range h.bins {
		total += float64(n)
	}
	seen := 0.0
	for i, n := range h.bins {
		seen += float64(n)
		if n > 0 && seen >= q*total {
			return time.Duration(math.Exp2(float64(i+1)/perDoubling) * float64(time.Microsecond))
		}
	}
	return 0
}
