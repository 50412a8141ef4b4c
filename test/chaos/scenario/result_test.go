package scenario

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/fault"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// second returns the nth second of the tests' time.
func second(n float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(n * float64(time.Second)))
}

// history is the events of sagas, in the order in which they are stored.
type history struct {
	events []invariants.Event
	times  []time.Time
}

func (h *history) add(at float64, saga string, t event.Type) {
	h.events = append(h.events, invariants.Event{Key: event.Key{User: "u", Saga: saga}, Type: t})
	h.times = append(h.times, second(at))
}

func TestRecoveries_CountFromWhenTheTargetAnswersAgain(t *testing.T) {
	var h history
	h.add(1, "stuck", event.TypeTokenVerified)
	h.add(9.5, "held", event.TypeTokenVerified)
	h.add(20.5, "held", event.TypeCompleted)
	h.add(21, "later", event.TypeTokenVerified)
	h.add(22, "later", event.TypeCompleted)
	h.add(31, "stuck", event.TypeCompleted) // it had waited since long before the fault
	begun, healed := second(10), second(20)
	faults := []fault.Injected{
		{Fault: fault.Fault{Kind: fault.Stop, Target: "redis"}, Begun: begun, Healed: healed},
		{Fault: fault.Fault{Kind: fault.Kill, Target: event.StepNotifier}, Begun: begun, Healed: healed},
		{Fault: fault.Fault{Kind: fault.Kill, Target: "encryptor"}, Begun: second(40), Healed: second(50)},
	}
	half, quarter := 500*time.Millisecond, 250*time.Millisecond
	want := []Recovery{
		{Injected: faults[0], Resumed: &half, CaughtUp: half},
		{Injected: faults[1], Resumed: &quarter, CaughtUp: half},
		{Injected: faults[2]},
	}
	got := recoveries(faults, h.events, h.times, []time.Time{second(5), second(20.25)})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("recoveries (-want +got):\n%s", diff)
	}
}

func TestMarkdown_HasARowForEachRunAndEachKindOfFault(t *testing.T) {
	one, three := time.Second, 3*time.Second
	kill := fault.Injected{Fault: fault.Fault{Kind: fault.Kill, Target: "nats"}}
	text := Markdown([]Result{{
		About: "NATS is killed", Seed: 7, Requests: 10, Counts: map[string]int{"lost": 1, "unheard": 2},
		Outcomes:   map[event.Code]int{event.CodeCreated: 6, event.CodeIncorrect: 1, event.CodeSessionExpired: 1, event.CodeDuplicateRequest: 2},
		Recoveries: []Recovery{{Injected: kill, Resumed: &one, CaughtUp: three}, {Injected: kill, Resumed: &three}},
	}})
	for _, row := range []string{
		"| NATS is killed | 1 node | 7 | 10 | 6 | 2 | 2 | 1 | 0 | 0 | 2 |",
		"| kill -9 nats | 2 | 3.00 s | 3.00 s | 3.00 s | 3.00 s |",
	} {
		if !strings.Contains(text, row) {
			t.Errorf("no row %q in:\n%s", row, text)
		}
	}
}

func TestFind_KnowsEveryScenarioOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range Names() {
		if seen[name] {
			t.Errorf("two scenarios are called %s", name)
		}
		seen[name] = true
		if _, err := Find(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := Find("nonsense"); err == nil {
		t.Error("found a scenario that there is not")
	}
}

func TestMerge_ReplacesTheResultOfTheSameRun(t *testing.T) {
	a, b, cluster := Result{Scenario: "calm", Seed: 1}, Result{Scenario: "calm", Seed: 2}, Result{Scenario: "calm", Seed: 1, Cluster: true}
	again := Result{Scenario: "calm", Seed: 1, Requests: 7}
	if diff := cmp.Diff([]Result{b, cluster, again}, Merge([]Result{a, b, cluster}, []Result{again})); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}
