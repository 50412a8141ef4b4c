package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/create-user/create-user/bench/chain"
	"github.com/create-user/create-user/test/chaos/system"
)

// Measurements that others, or the report, refer to.
const (
	NameOurs      = "ours"
	NameOurs50    = "ours-50"
	NameOursHalf  = "ours-half"
	NameOurs80    = "ours-80"
	NameBull5     = "bull-5"
	NameBullBest  = "bull-best"
	NameBull50    = "bull-50"
	NameBare      = "bare"
	NameRunner    = "runner"
	NameWatermill = "watermill"
)

const (
	smallImage = 1 << 10   // bytes: the usual image
	largeImage = 200 << 10 // bytes
	light      = 50        // requests a second: a light load
)

// Plan returns what is measured in each round, with n users or sagas where they
// are published as fast as can be, and fewer where n would take too long.
func Plan(n int) []Measurement {
	half, quarter := max(1, n/2), max(1, n/4) // a quarter for Bull: it takes long, and the rate does not depend on it
	return []Measurement{
		{Name: NameOurs, Kind: Ours, Count: n, About: "Create User, each service a process, all effects real"},
		{Name: NameBull5, Kind: Bull, Count: quarter, Jobs: 5, About: "the Bull job, 5 at once as it was deployed"},
		{Name: NameBare, Kind: Chain, Count: n, Chain: chain.Bare, About: "five empty stages: consume, append, ack with nats.go alone"},
		{Name: NameRunner, Kind: Chain, Count: n, Chain: chain.Runner, About: "five empty steps on pkg/saga, with all its guarantees"},
		{Name: NameWatermill, Kind: Chain, Count: n, Chain: chain.Watermill, About: "five empty handlers of Watermill on JetStream"},
		{Name: NameBullBest, Kind: Bull, Count: quarter, About: "the Bull job, as many at once as are best"},
		{Name: NameOurs50, Kind: Ours, Count: n, Rate: light, Seconds: 12, About: "Create User at 50 users/s"},
		{Name: NameBull50, Kind: Bull, Count: quarter, Jobs: 5, Rate: light, Seconds: 12, About: "the Bull job, 5 at once, at 50 users/s"},
		{Name: NameOursHalf, Kind: Ours, Count: n, Of: NameOurs, Share: 0.5, Seconds: 7, About: "Create User at 50 % of its maximum"},
		{Name: "bull-half", Kind: Bull, Count: quarter, Of: NameBullBest, Share: 0.5, Seconds: 7, About: "the Bull job at 50 % of its best"},
		{Name: NameOurs80, Kind: Ours, Count: n, Of: NameOurs, Share: 0.8, Seconds: 7, About: "Create User at 80 % of its maximum"},
		{Name: "bull-80", Kind: Bull, Count: quarter, Of: NameBullBest, Share: 0.8, Seconds: 7, About: "the Bull job at 80 % of its best"},
		{Name: "ours-plain", Kind: Ours, Count: half, Plain: true, About: "Create User, requests published as plain JSON, without the SDK"},
		{Name: "ours-large", Kind: Ours, Count: max(1, n/40), Image: largeImage, About: "Create User, images of 200 KiB"},
		{Name: "bull-large", Kind: Bull, Count: max(1, n/40), Image: largeImage, About: "the Bull job at its best, images of 200 KiB"},
		{Name: "ours-x2", Kind: Ours, Count: half, Replicas: all(2), About: "Create User, 2 replicas of each service"},
		{Name: "ours-x4", Kind: Ours, Count: half, Replicas: all(4), About: "Create User, 4 replicas of each service"},
		{Name: "ours-1s", Kind: Ours, Count: half, Sync: `"1s"`, About: "Create User, NATS with sync_interval 1 s"},
		{Name: "ours-always", Kind: Ours, Count: max(1, n/5), Sync: "always", About: "Create User, NATS with sync_interval always"},
	}
}

// all returns n replicas of every service. The clients are connected to the first
// notifier alone.
func all(n int) map[string]int {
	replicas := map[string]int{}
	for _, name := range system.Services() {
		replicas[name] = n
	}
	return replicas
}

// Replicas returns measurements with one more replica of one service each,
// between two without, and one with replicas of the streams.
func Replicas(n int) []Measurement {
	base := Measurement{Name: "one-each", Kind: Ours, Count: n, About: "one replica of each service"}
	list := []Measurement{base}
	for _, name := range system.Services() {
		list = append(list, Measurement{
			Name: "two-" + name, Kind: Ours, Count: n, Replicas: map[string]int{name: 2}, About: "a second " + name,
		})
	}
	base.Name = "one-again"
	return append(list, base, Measurement{
		Name: "cluster", Kind: Ours, Count: n, Cluster: true, About: "three NATS servers on the same cores, three replicas of each stream",
	})
}

// Choose returns the measurements with the given names, separated by commas;
// all of them for none.
func Choose(list []Measurement, names string) ([]Measurement, error) {
	if names == "" {
		return list, nil
	}
	var chosen []Measurement
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(list, func(m Measurement) bool { return m.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no measurement %q: see -help", name)
		}
		chosen = append(chosen, list[i])
	}
	return chosen, nil
}
