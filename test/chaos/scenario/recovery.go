package scenario

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/fault"
	"github.com/create-user/create-user/test/chaos/invariants"
	"github.com/create-user/create-user/test/chaos/system"
)

// Recovery is how long the system took after one fault.
type Recovery struct {
	fault.Injected
	// Resumed is when the next registration was completed, or, after the notifier
	// or the clients' connections were hurt, heard of; from when the target
	// answered again. Nil: there was none to come.
	Resumed *time.Duration `json:"resumed"`
	// CaughtUp is when the last of those ended that the fault had held up; from
	// when the target answered again. Zero: they had ended before.
	CaughtUp time.Duration `json:"caughtUp"`
}

// stuck is how long a saga stands still that waits for the end of an earlier
// fault: that it is late is not the doing of a later one.
const stuck = time.Second

// progress is when the events of one saga were stored.
type progress []time.Time

// heldUp returns how long after a fault's end the saga ended, if the fault held it up.
func (p progress) heldUp(f fault.Injected) time.Duration {
	before, _ := slices.BinarySearchFunc(p, f.Begun, time.Time.Compare)
	if p[0].After(f.Healed) || before > 0 && f.Begun.Sub(p[before-1]) > stuck {
		return 0
	}
	return max(0, p[len(p)-1].Sub(f.Healed))
}

// recoveries measures how long the system took after each fault.
func recoveries(faults []fault.Injected, events []invariants.Event, times, heard []time.Time) []Recovery {
	var completed []time.Time
	sagas := map[event.Key]progress{}
	for i, e := range events {
		sagas[e.Key] = append(sagas[e.Key], times[i])
		if e.Type == event.TypeCompleted {
			completed = append(completed, times[i])
		}
	}
	list := make([]Recovery, 0, len(faults))
	for _, f := range faults {
		r := Recovery{Injected: f}
		signs := completed
		if f.Target == event.StepNotifier || f.Target == system.Clients {
			signs = heard
		}
		if i, _ := slices.BinarySearchFunc(signs, f.Healed, time.Time.Compare); i < len(signs) {
			d := signs[i].Sub(f.Healed)
			r.Resumed = &d
		}
		for _, p := range sagas {
			r.CaughtUp = max(r.CaughtUp, p.heldUp(f))
		}
		list = append(list, r)
	}
	return list
}

// recoveryTable tells the time to recover by kind of fault.
func recoveryTable(results []Result) string {
	type times struct{ resumed, caughtUp []time.Duration }
	kinds := map[string]*times{}
	for _, result := range results {
		for _, r := range result.Recoveries {
			name := string(r.Kind) + " " + r.Target
			if kinds[name] == nil {
				kinds[name] = &times{}
			}
			if r.Resumed != nil {
				kinds[name].resumed = append(kinds[name].resumed, *r.Resumed)
			}
			kinds[name].caughtUp = append(kinds[name].caughtUp, r.CaughtUp)
		}
	}
	names := make([]string, 0, len(kinds))
	for name := range kinds {
		names = append(names, name)
	}
	slices.SortFunc(names, cmp.Compare[string])
	var b strings.Builder
	b.WriteString("| fault | times | resumed, median | resumed, longest | caught up, median | caught up, longest |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
	for _, name := range names {
		t := kinds[name]
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s |\n", name, len(t.caughtUp),
			median(t.resumed), longest(t.resumed), median(t.caughtUp), longest(t.caughtUp))
	}
	return b.String()
}

func median(list []time.Duration) string {
	if len(list) == 0 {
		return "–"
	}
	return short(slices.Sorted(slices.Values(list))[len(list)/2])
}

func longest(list []time.Duration) string {
	if len(list) == 0 {
		return "–"
	}
	return short(slices.Max(list))
}

func short(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
