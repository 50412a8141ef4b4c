package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/create-user/create-user/bench/run"
	"github.com/create-user/create-user/test/chaos/system"
)

// Tables returns all results as Markdown.
func Tables(rounds Rounds, scale Scale) string {
	var b strings.Builder
	b.WriteString(machine(rounds.Machine))
	b.WriteString("### Targets\n\n| what | measured | |\n| --- | --- | --- |\n")
	for _, t := range targets(rounds, scale) {
		b.WriteString(t.row())
	}
	b.WriteString("\nRatios are those of one round each; shown are their median and, in brackets, the least and the most.\n\n")
	b.WriteString(throughput(rounds.Runs))
	b.WriteString(latencies(rounds.Runs))
	b.WriteString(programs(rounds.Runs))
	b.WriteString(history(scale))
	b.WriteString(replicas(scale.Replicas))
	b.WriteString(problems(slices.Concat(rounds.Runs, scale.Replicas)))
	return b.String()
}

func machine(m Machine) string {
	parts := make([]string, 0, len(m.Parts))
	for _, name := range slices.Sorted(maps.Keys(m.Parts)) {
		parts = append(parts, name+" "+m.Parts[name])
	}
	return fmt.Sprintf("%d cores (%s), %d GiB, Linux %s; %s. Begun at %s, in all %s minutes.\n\n",
		m.Cores, m.CPU, m.Memory, m.Kernel, strings.Join(parts, ", "), m.Started, number(m.Seconds/60, 0))
}

// services returns the CPU time of each user in the services alone.
func services(r run.Run) float64 {
	var used float64
	for _, name := range slices.Concat(system.Services(), []string{"bull", "rooms", "stages"}) {
		used += r.CPU[name]
	}
	return used
}

func throughput(runs []run.Run) string {
	var b strings.Builder
	b.WriteString("### Throughput and cost\n\n| what | users | users/s | CPU of a user, all processes (ms) | services alone (ms) |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range named(runs) {
		rates := of(runs, m.Name, func(r run.Run) float64 { return r.Rate })
		if len(rates) == 0 || rates[0] > 0 {
			continue
		}
		count := of(runs, m.Name, func(r run.Run) float64 { return float64(r.Count) })[0]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.About, number(count, 0), spreadOf(of(runs, m.Name, perSecond)).format(0),
			spreadOf(of(runs, m.Name, cpu)).format(3), spreadOf(of(runs, m.Name, services)).format(3))
	}
	b.WriteString("\n![Throughput](performance/throughput.svg)\n\n")
	return b.String()
}

// named returns the measurements, and what was tried to find the best of Bull.
func named(runs []run.Run) []run.Measurement {
	list := run.Plan(1)
	for _, r := range runs {
		if jobs, ok := strings.CutPrefix(r.Name, "bull-try-"); ok {
			list = append(list, run.Measurement{Name: r.Name, About: "tried once: the Bull job, " + jobs + " at once"})
		}
	}
	return list
}

func latencies(runs []run.Run) string {
	var b strings.Builder
	b.WriteString("### From publish to heard\n\n| what | users/s | p50 (ms) | p95 (ms) | p99 (ms) |\n| --- | --- | --- | --- | --- |\n")
	for _, m := range run.Plan(1) {
		rates := of(runs, m.Name, func(r run.Run) float64 { return r.Rate })
		if len(rates) == 0 || rates[0] == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", m.About, spreadOf(rates).format(0), spreadOf(of(runs, m.Name, latency(p50))).format(1),
			spreadOf(of(runs, m.Name, latency(p95))).format(1), spreadOf(of(runs, m.Name, latency(p99))).format(1))
	}
	b.WriteString("\n![Latency](performance/latency.svg)\n\n")
	return b.String()
}

// programs shows what each process takes at full load.
func programs(runs []run.Run) string {
	var b strings.Builder
	b.WriteString("### Each process at full load\n\n")
	for _, name := range []string{run.NameOurs, run.NameBullBest} {
		first := slices.IndexFunc(runs, func(r run.Run) bool { return r.Name == name && r.Measured() })
		if first < 0 {
			continue
		}
		i := slices.IndexFunc(run.Plan(1), func(m run.Measurement) bool { return m.Name == name })
		fmt.Fprintf(&b, "%s:\n\n| process | CPU of a user (ms) | resident memory at most (MiB) | on disk for a user (KiB) |\n| --- | --- | --- | --- |\n", run.Plan(1)[i].About)
		for _, process := range slices.Sorted(maps.Keys(runs[first].CPU)) {
			disk := "–"
			if _, kept := runs[first].Disk[process]; kept {
				disk = spreadOf(of(runs, name, func(r run.Run) float64 { return r.Disk[process] })).format(1)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", process, spreadOf(of(runs, name, func(r run.Run) float64 { return r.CPU[process] })).format(3),
				spreadOf(of(runs, name, func(r run.Run) float64 { return r.Resident[process] })).format(0), disk)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func history(s Scale) string {
	if len(s.Slices) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "### A long history\n\n%s sagas through five empty steps; each takes %.2f KiB on disk and %.2f KiB of the server's memory.\n\n",
		number(float64(s.Run.Count), 0), s.Run.Disk["nats"], s.Run.Server)
	b.WriteString("| sagas in the history | sagas/s | server memory (MiB) | on disk (MiB) | a step of a saga alone, p50 (ms) | p95 (ms) |\n| --- | --- | --- | --- | --- | --- |\n")
	for i, slice := range s.Slices {
		if i == 0 || (i+1)%(max(1, len(s.Slices)/10)) == 0 {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", number(float64(slice.Sagas), 0), number(slice.PerSecond, 0),
				number(slice.ServerMiB, 0), number(slice.DiskMiB, 0), number(slice.StepP50, 2), number(slice.StepP95, 2))
		}
	}
	b.WriteString("\n![A long history](performance/history.svg)\n\n")
	return b.String()
}

func replicas(runs []run.Run) string {
	if len(runs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("### More replicas\n\n| what | users/s | CPU of a user, all processes (ms) |\n| --- | --- | --- |\n")
	for _, m := range run.Replicas(1) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.About, spreadOf(of(runs, m.Name, perSecond)).format(0), spreadOf(of(runs, m.Name, cpu)).format(3))
	}
	return b.String() + "\n"
}

// problems says whether the invariants held.
func problems(runs []run.Run) string {
	var b strings.Builder
	for _, r := range runs {
		for _, p := range r.Problems {
			fmt.Fprintf(&b, "- %s, round %d: %s\n", r.Name, r.Round, p)
		}
	}
	if b.Len() == 0 {
		return "The invariants of [reliability.md](reliability.md) were checked at the end of every measurement of Create User, and all hold.\n"
	}
	return "**Invariants that did not hold:**\n\n" + b.String()
}
