package model_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/chaos/invariants"
	"github.com/create-user/create-user/test/model"
)

// drawn makes choices that rapid can shrink and repeat.
type drawn struct{ t *rapid.T }

func (d drawn) Pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(d.t, label) }

// seeded makes choices that follow from a seed.
type seeded struct{ *rand.Rand }

func (s seeded) Pick(_ string, n int) int { return s.IntN(n) }

func bySeed(seed uint64) model.Chooser {
	return seeded{rand.New(rand.NewPCG(seed, 0))}
}

func list(violations []invariants.Violation) string {
	lines := make([]string, len(violations))
	for i, v := range violations {
		lines[i] = v.String()
	}
	return strings.Join(lines, "\n")
}

const seeds = 10_000

// TestSaga_HoldsInEveryInterleaving runs many seeds, and checks that they reach
// what they are to show.
func TestSaga_HoldsInEveryInterleaving(t *testing.T) {
	t.Parallel()
	total := model.Reach{Ends: map[event.Code]int{}}
	for seed := range uint64(seeds) {
		w := model.New(model.Options{Chooser: bySeed(seed)}).Run()
		if v := w.Violations(); len(v) > 0 {
			t.Fatalf("seed %d:\n%s\n%s", seed, list(v), w.Story())
		}
		r := w.Reach()
		for code, n := range r.Ends {
			total.Ends[code] += n
		}
		total.Deliveries += r.Deliveries
		total.Crashes += r.Crashes
		total.Moved += r.Moved
		total.Replayed += r.Replayed
	}
	t.Logf("%d interleavings: %+v", seeds, total)
	for _, code := range event.Codes() {
		if total.Ends[code] < seeds/1000 {
			t.Errorf("only %d sagas ended with %s", total.Ends[code], code)
		}
	}
}

// TestSaga_HoldsInWhatRapidFinds is the same with choices that rapid makes: it finds
// others, and reports the shortest way to what it finds.
func TestSaga_HoldsInWhatRapidFinds(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		runs.Add(1)
		w := model.New(model.Options{Chooser: drawn{t}}).Run()
		if v := w.Violations(); len(v) > 0 {
			t.Fatal("\n" + list(v) + "\n" + w.Story())
		}
	})
	t.Logf("%d interleavings", runs.Load())
}

// tries is how many seeds a mutant may survive.
const tries = 2000

// TestMutants_AreCaught breaks each rule of the design, one at a time, and expects
// the invariants to notice.
func TestMutants_AreCaught(t *testing.T) {
	t.Parallel()
	for mutant, rules := range model.Mutants() {
		t.Run(string(mutant), func(t *testing.T) {
			t.Parallel()
			found := map[string]int{}
			for seed := range uint64(tries) {
				w := model.New(model.Options{Chooser: bySeed(seed), Mutant: mutant}).Run()
				for _, v := range w.Violations() {
					found[v.Rule]++
					if slices.Contains(rules, v.Rule) {
						t.Logf("seed %d: %s", seed, v)
						return
					}
				}
			}
			t.Errorf("survived %d seeds, want one of %v broken; found %s", tries, rules, fmt.Sprint(found))
		})
	}
}
