package console

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/console/board"
)

// flowView is the flow at one moment.
type flowView struct {
	Steps   []stepView `json:"steps"`
	Codes   []codeView `json:"codes"`
	Open    int        `json:"open"`
	Reading int        `json:"reading"` // per cent of the past that has been read
	Problem string     `json:"problem"` // what the server did not tell; empty when all is well
}

// stepView is one step of the saga at one moment.
type stepView struct {
	Name     string  `json:"name"`
	Service  string  `json:"service"`
	Consumes string  `json:"consumes"`
	Appends  string  `json:"appends"`
	Rate     float64 `json:"rate"`     // events that it appended, a second
	Lag      uint64  `json:"lag"`      // events that nobody has taken yet
	InFlight int     `json:"inFlight"` // events taken and not settled
	Oldest   float64 `json:"oldest"`   // seconds that the longest-waiting event has waited; 0: none waits
	P50      float64 `json:"p50"`      // milliseconds of its hop
	P99      float64 `json:"p99"`
	State    trouble `json:"state"`
	Words    string  `json:"words"` // the state in words
}

// codeView says how often sagas ended with a code.
type codeView struct {
	Code  event.Code `json:"code"`
	Count int        `json:"count"`
}

// trouble is how a step fares.
type trouble string

const (
	idle    trouble = "idle"
	flowing trouble = "flowing"
	slow    trouble = "slow"
	stuck   trouble = "stuck"
	unknown trouble = "unknown"
)

// How long an event may wait before its step counts as slow, and as stuck.
const (
	slowAfter  = 2 * time.Second
	stuckAfter = 8 * time.Second
)

// flow describes the flow now.
func (s *server) flow(now time.Time) flowView {
	f := s.board.Flow(now)
	states, inbox, failed := s.consumers.last()
	v := flowView{Open: f.Open, Reading: s.reading()}
	if failed != nil {
		v.Problem = "NATS does not say how the consumers stand: " + failed.Error()
	}
	for _, step := range event.Path() {
		state, known := states[step.Name]
		if step.Name == event.StepNotifier && state.missing {
			continue // it follows the event store without a consumer, unless it relays
		}
		view := stepView{
			Name: step.Name, Service: step.Service, Consumes: string(step.Consumes[0]), Appends: string(step.Appends),
			Rate: f.Rate[step.Appends], Lag: state.pending, InFlight: state.inHand,
			P50: milliseconds(f.Hop[step.Appends].P50), P99: milliseconds(f.Hop[step.Appends].P99),
		}
		waiting := waitingSince(step, f, inbox)
		if !waiting.IsZero() {
			view.Oldest = max(0, now.Sub(waiting).Seconds())
		}
		view.State, view.Words = judge(view, state, known)
		v.Steps = append(v.Steps, view)
	}
	for _, code := range event.Codes() {
		v.Codes = append(v.Codes, codeView{code, f.Codes[code]})
	}
	return v
}

// waitingSince returns since when the oldest event of a step has waited; zero
// when none waits.
func waitingSince(step event.Step, f board.Flow, inbox time.Time) time.Time {
	switch {
	case step.Name == event.StepTokenVerifier:
		return inbox
	case step.Appends == "":
		return time.Time{} // an event that ends a saga stays its last one for good
	}
	return f.Oldest[step.Consumes[0]]
}

// judge says how a step fares.
func judge(v stepView, c consumer, known bool) (trouble, string) {
	nobody := ""
	if c.pulls == 0 && v.Lag > 0 {
		nobody = ", and nobody takes them: is the " + v.Service + " running?"
	}
	waits := time.Duration(v.Oldest * float64(time.Second))
	switch {
	case !known:
		return unknown, "not known yet"
	case c.missing:
		return stuck, "there is no consumer (createuser streams apply)"
	case waits >= stuckAfter:
		return stuck, fmt.Sprintf("events wait, the oldest for %s%s", span(waits.Truncate(time.Second)), nobody)
	case nobody != "":
		return slow, "events wait" + nobody
	case waits >= slowAfter:
		return slow, fmt.Sprintf("the oldest event has waited for %s", span(waits.Truncate(time.Second)))
	case v.Rate > 0 || v.InFlight > 0 || v.Lag > 0:
		return flowing, "flowing"
	}
	return idle, "idle"
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// reading returns how much of the past has been read, in per cent.
func (s *server) reading() int {
	past := s.past.Load()
	if s.caughtUp.Load() {
		return 100
	}
	if past == 0 {
		return 0
	}
	return int(min(99, 100*s.read.Load()/past))
}

func (s *server) flowPage(*http.Request) (view, error) {
	v := s.flow(time.Now())
	forward := func(step stepView) bool { return step.Appends != "" }
	return view{page: "flow", data: map[string]any{
		"Flow":    v,
		"Forward": slices.DeleteFunc(slices.Clone(v.Steps), func(step stepView) bool { return !forward(step) }),
		"Beside":  slices.DeleteFunc(slices.Clone(v.Steps), forward),
	}}, nil
}
