package fault

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func schedule(seed uint64, cluster bool) []Fault {
	return Random(seed, All(cluster), 10*time.Minute, 2*time.Second, 8*time.Second)
}

func TestRandom_FollowsFromItsSeed(t *testing.T) {
	if diff := cmp.Diff(schedule(3, true), schedule(3, true)); diff != "" {
		t.Errorf("the same seed draws otherwise:\n%s", diff)
	}
	if cmp.Equal(schedule(3, true), schedule(4, true)) {
		t.Error("another seed draws the same")
	}
}

func TestRandom_DrawsEveryKindAndEveryTarget(t *testing.T) {
	for _, cluster := range []bool{false, true} {
		all := All(cluster)
		kinds, targets := map[Kind]bool{}, map[string]bool{}
		for _, f := range schedule(1, cluster) {
			kinds[f.Kind], targets[f.Target] = true, true
			if f.For <= 0 || f.For > 8*time.Second {
				t.Errorf("%s lasts too long", f)
			}
		}
		for _, k := range []Kind{Kill, Stop, Freeze, Cut, Hold, Fill} {
			if !kinds[k] {
				t.Errorf("no fault %q", k)
			}
		}
		for _, name := range slices.Concat(all.Services, all.Parts, all.NATS) {
			if !targets[name] {
				t.Errorf("no fault of %s", name)
			}
		}
	}
}

func TestRandom_HurtsATargetOnceAtATime(t *testing.T) {
	all := All(true)
	until := map[string]time.Duration{}
	for _, f := range schedule(2, true) {
		group := all.group(f.Target)
		if f.At < until[group] {
			t.Errorf("%s overlaps the one before", f)
		}
		until[group] = f.At + f.For
	}
}
