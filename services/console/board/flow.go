package board

import (
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// Width is the time that one point of a plot stands for, and Span the time that
// all of them do.
const (
	Width = 5 * time.Second
	Span  = 15 * time.Minute

	points = int(Span / Width)
)

// flow counts what happened in each of the last points of time.
type flow struct {
	slots [points]slot // a ring: the slot of a time is its number modulo points
}

// slot is what happened in one point of time.
type slot struct {
	number int64 // time divided by Width; a slot of another round is stale
	events map[event.Type]int
	codes  map[event.Code]int
	hops   map[event.Type]*histogram // by the event that ends the hop
}

func number(t time.Time) int64 { return t.UnixNano() / int64(Width) }

// at returns the slot of a time. It returns nil for one that is older than what
// stands in its place.
func (f *flow) at(t time.Time) *slot {
	n := number(t)
	s := &f.slots[n%int64(points)]
	switch {
	case s.number == n && s.events != nil:
		return s
	case s.number > n:
		return nil
	}
	*s = slot{number: n, events: map[event.Type]int{}, codes: map[event.Code]int{}, hops: map[event.Type]*histogram{}}
	return s
}

func (f *flow) count(t time.Time, kind event.Type) {
	if s := f.at(t); s != nil {
		s.events[kind]++
	}
}

func (f *flow) end(t time.Time, code event.Code) {
	if s := f.at(t); s != nil {
		s.codes[code]++
	}
}

func (f *flow) hop(t time.Time, kind event.Type, took time.Duration) {
	s := f.at(t)
	if s == nil {
		return
	}
	if s.hops[kind] == nil {
		s.hops[kind] = new(histogram)
	}
	s.hops[kind].add(took)
}

// recent returns the slots of the span before now, the oldest first. One in
// which nothing happened is empty.
func (f *flow) recent(now time.Time) []slot {
	last := number(now)
	list := make([]slot, 0, points)
	for n := last - int64(points) + 1; n <= last; n++ {
		s := f.slots[n%int64(points)]
		if s.number != n {
			s = slot{number: n}
		}
		list = append(list, s)
	}
	return list
}

// Flow is how registrations went through the saga in the last [Span].
type Flow struct {
	Open   int                      // sagas that have not ended
	Rate   map[event.Type]float64   // events a second, over the last few points
	Hop    map[event.Type]Quantiles // by the event that ends the hop
	Codes  map[event.Code]int       // how sagas ended
	Oldest map[event.Type]time.Time // since when the longest-waiting saga has had this as its last event
}

// Quantiles describe how long something took.
type Quantiles struct{ P50, P99 time.Duration }

// rateOver is how many points a rate is taken over; the one that is not over
// yet is left out.
const rateOver = 2

// Flow describes the span before now.
func (b *Board) Flow(now time.Time) Flow {
	b.mu.RLock()
	defer b.mu.RUnlock()
	f := Flow{
		Open: len(b.open), Rate: map[event.Type]float64{}, Hop: map[event.Type]Quantiles{},
		Codes: map[event.Code]int{}, Oldest: map[event.Type]time.Time{},
	}
	recent := b.flow.recent(now)
	hops := map[event.Type]*histogram{}
	for _, s := range recent {
		for code, n := range s.codes {
			f.Codes[code] += n
		}
		for kind, h := range s.hops {
			if hops[kind] == nil {
				hops[kind] = new(histogram)
			}
			hops[kind].merge(h)
		}
	}
	for _, s := range recent[points-1-rateOver : points-1] {
		for kind, n := range s.events {
			f.Rate[kind] += float64(n) / (rateOver * Width.Seconds())
		}
	}
	for kind, h := range hops {
		f.Hop[kind] = h.quantiles()
	}
	for s := range b.open {
		if since, ok := f.Oldest[s.Last]; !ok || s.Changed.Before(since) {
			f.Oldest[s.Last] = s.Changed
		}
	}
	return f
}

// Series are the plots of the last [Span]: one value a point, the oldest first.
type Series struct {
	Times []int64                  `json:"times"` // seconds since 1970, of each point's beginning
	Rates map[event.Type][]float64 `json:"rates"` // events a second
	P99   map[event.Type][]float64 `json:"p99"`   // milliseconds; 0 where nothing happened
	Codes map[event.Code][]int     `json:"codes"` // ends in the point
}

// Series returns the plots of the span before now.
func (b *Board) Series(now time.Time) Series {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := Series{Rates: map[event.Type][]float64{}, P99: map[event.Type][]float64{}, Codes: map[event.Code][]int{}}
	for _, kind := range event.Types()[1:] {
		out.Rates[kind], out.P99[kind] = make([]float64, points), make([]float64, points)
	}
	for i, s := range b.flow.recent(now) {
		out.Times = append(out.Times, s.number*int64(Width/time.Second))
		for kind, n := range s.events {
			out.Rates[kind][i] = float64(n) / Width.Seconds()
		}
		for kind, h := range s.hops {
			out.P99[kind][i] = float64(h.quantiles().P99.Microseconds()) / 1000
		}
		for code, n := range s.codes {
			if out.Codes[code] == nil {
				out.Codes[code] = make([]int, points)
			}
			out.Codes[code][i] = n
		}
	}
	return out
}
