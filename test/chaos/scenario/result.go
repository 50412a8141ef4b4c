package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
)

// Result is what came of a run.
type Result struct {
	Scenario      string                 `json:"scenario"`
	About         string                 `json:"about"`
	Seed          uint64                 `json:"seed"`
	Cluster       bool                   `json:"cluster"`
	Rate          int                    `json:"rate"`
	Registrations int                    `json:"registrations"`
	Requests      int                    `json:"requests"` // that the inbox acknowledged
	Outcomes      map[event.Code]int     `json:"outcomes"`
	Counts        map[string]int         `json:"counts"` // users struck, by class of violation
	Violations    []invariants.Violation `json:"violations"`
	Troubles      []string               `json:"troubles"` // processes that ended by themselves, refusals
	Recoveries    []Recovery             `json:"recoveries"`
	Folder        string                 `json:"folder,omitempty"` // of logs and data
}

// Clean reports whether all went as it must.
func (r Result) Clean() bool { return len(r.Violations) == 0 && len(r.Troubles) == 0 }

// String sums the result up in one line.
func (r Result) String() string {
	text := fmt.Sprintf("%d requests", r.Requests)
	for _, c := range event.Codes() {
		if n := r.Outcomes[c]; n > 0 {
			text += fmt.Sprintf(", %d %s", n, c)
		}
	}
	for _, c := range invariants.Classes() {
		text += fmt.Sprintf(", %d %s", r.Counts[string(c)], c)
	}
	return fmt.Sprintf("%s, %d troubles", text, len(r.Troubles))
}

// count fills in the numbers.
func (r *Result) count(f invariants.Facts) {
	r.Registrations, r.Outcomes, r.Counts = len(f.Registrations), map[event.Code]int{}, map[string]int{}
	for _, p := range f.Registrations {
		for _, s := range p.Submissions {
			if s.Stored {
				r.Requests++
			}
		}
	}
	for _, e := range f.Events {
		var ended event.Ended
		if e.Type.Terminal() && json.Unmarshal(e.Data, &ended) == nil {
			r.Outcomes[ended.Code]++
		}
	}
	for _, c := range invariants.Classes() {
		r.Counts[string(c)] = invariants.Count(r.Violations, c)
	}
}

// Merge returns earlier results and new ones, of which each replaces that of the
// same scenario, seed and NATS.
func Merge(earlier, results []Result) []Result {
	same := func(a, b Result) bool {
		return a.Scenario == b.Scenario && a.Seed == b.Seed && a.Cluster == b.Cluster
	}
	all := slices.DeleteFunc(slices.Clone(earlier), func(e Result) bool {
		return slices.ContainsFunc(results, func(r Result) bool { return same(e, r) })
	})
	return append(all, results...)
}

// Markdown returns the results as tables.
func Markdown(results []Result) string {
	var b strings.Builder
	b.WriteString("| scenario | NATS | seed | requests | created | refused as they must be | duplicates | lost | wrong | doubled | unheard |\n")
	b.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, r := range results {
		nodes := "1 node"
		if r.Cluster {
			nodes = "3 nodes"
		}
		refused := 0
		for code, n := range r.Outcomes {
			if code != event.CodeCreated && code != event.CodeDuplicateRequest {
				refused += n
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %d | %d | %d | %d |\n", r.About, nodes, r.Seed, r.Requests,
			r.Outcomes[event.CodeCreated], refused, r.Outcomes[event.CodeDuplicateRequest],
			r.Counts["lost"], r.Counts["wrong"], r.Counts["doubled"], r.Counts["unheard"])
	}
	b.WriteString("\n")
	b.WriteString(recoveryTable(results))
	return b.String()
}
