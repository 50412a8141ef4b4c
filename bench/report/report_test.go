package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/create-user/create-user/bench/run"
)

// measured returns one round in which every target is met, and three in which
// the second differs.
func measured() Rounds {
	one := func(name string, round int, perSecond, cpu, p99 float64) run.Run {
		return run.Run{
			Name: name, Round: round, Count: 1000, PerSecond: perSecond, CPU: map[string]float64{"nats": cpu / 2, "notifier": cpu / 2},
			Latency: &run.Latency{P50: 1, P95: 2, P99: p99}, Resident: map[string]float64{"nats": 500, "notifier-2": 40},
		}
	}
	var r Rounds
	for round, factor := range []float64{1, 0.5, 2} {
		for _, m := range []run.Run{
			one(run.NameOurs, round, 5000*factor, 0.25, 100), one(run.NameBull5, round, 400*factor, 3.5, 100),
			one(run.NameBullBest, round, 500, 2.5, 100), one(run.NameBare, round, 9000*factor, 0.2, 0),
			one(run.NameRunner, round, 8000*factor, 0.2, 0), one(run.NameWatermill, round, 2500*factor, 0.3, 0),
			one(run.NameOurs50, round, 50, 1, 10*factor), one(run.NameBull50, round, 50, 3, 15), one(run.NameOurs80, round, 4000, 0.3, 200),
		} {
			switch m.Name {
			case run.NameOurs50, run.NameBull50, run.NameOurs80:
				m.Rate = m.PerSecond
			}
			r.Runs = append(r.Runs, m)
		}
	}
	return r
}

func longHistory() Scale {
	var s Scale
	for i := range 20 {
		s.Slices = append(s.Slices, run.Slice{Sagas: (i + 1) * 1000, PerSecond: 8000 - float64(i), ServerMiB: 100, StepP50: 0.5, StepP95: 1})
	}
	return s
}

func TestTargets_JudgeTheMedianOfTheRatiosOfEachRound(t *testing.T) {
	for _, target := range targets(measured(), longHistory()) {
		if !target.met() {
			t.Errorf("not met: %s", target.row())
		}
	}
	row := targets(measured(), longHistory())[1].row()
	if want := "| 10.0 (5.0–20.0) | met |"; !strings.Contains(row, want) {
		t.Errorf("the row is %s, want %s", row, want)
	}
}

func TestTargets_SayWhatIsNotMetAndWhatWasNotMeasured(t *testing.T) {
	r := measured()
	for i := range r.Runs {
		if r.Runs[i].Name == run.NameOurs {
			r.Runs[i].PerSecond = 1000
			r.Runs[i].Resident["watchdog"] = 65
		}
	}
	all := targets(r, Scale{})
	for i, want := range map[int]string{0: "**not met**", 3: "**not met**", 4: "| met", 9: "not measured", 10: "**not met**"} {
		if row := all[i].row(); !strings.Contains(row, want) {
			t.Errorf("row %d is %s, want %s", i, row, want)
		}
	}
}

func TestRender_WritesBetweenTheMarkersAndKeepsTheRest(t *testing.T) {
	folder := t.TempDir()
	document := filepath.Join(folder, "doc.md")
	if err := os.WriteFile(document, []byte("a\n"+beginMark+"\nold\n"+endMark+"\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := measured()
	r.Runs[0].Problems = []string{"lost: somebody"}
	if err := Save(folder, RoundsFile, r); err != nil {
		t.Fatal(err)
	}
	if err := Save(folder, ScaleFile, longHistory()); err != nil {
		t.Fatal(err)
	}
	var texts [2]string
	for i := range texts { // twice, since a document is written again and again
		if err := Render(folder, document); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(data)
	}
	if texts[0] != texts[1] {
		t.Error("written again, the document differs")
	}
	for _, want := range []string{"a\n" + beginMark, "### Targets", "5,000 (2,500–10,000)", "lost: somebody", endMark + "\nb\n"} {
		if !strings.Contains(texts[0], want) {
			t.Errorf("the document lacks %q:\n%s", want, texts[0])
		}
	}
	for _, plot := range []string{"throughput.svg", "latency.svg", "history.svg"} {
		data, err := os.ReadFile(filepath.Join(folder, "doc", plot))
		if err != nil || !strings.Contains(string(data), "<svg") {
			t.Errorf("%s: %v", plot, err)
		}
	}
}

func TestRender_NamesWhatIsMissing(t *testing.T) {
	folder := t.TempDir()
	document := filepath.Join(folder, "doc.md")
	if err := Render(folder, document); err == nil || !strings.Contains(err.Error(), RoundsFile) {
		t.Errorf("without results the error is %v", err)
	}
	if err := Save(folder, RoundsFile, measured()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(document, []byte("no markers"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Render(folder, document); err == nil || !strings.Contains(err.Error(), beginMark) {
		t.Errorf("without markers the error is %v", err)
	}
}

func TestNumber_GroupsThousands(t *testing.T) {
	for want, got := range map[string]string{
		"999": number(999, 0), "1,000": number(1000, 0), "-1,234,567.9": number(-1234567.89, 1), "0.125": number(0.125, 3),
	} {
		if got != want {
			t.Errorf("number %s, want %s", got, want)
		}
	}
}
