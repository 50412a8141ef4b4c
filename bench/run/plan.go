package run

import (
	"fmt"
	"slices"
	"strings"

	"github.com/create-user/create-user/bench/chain"
)

// smallImage is the usual size of an image, in bytes.
const smallImage = 1 << 10

// steady is how many seconds requests are published at a steady rate.
const steady = 20

// Plan returns all measurements, with n users or sagas each where they are
// published as fast as can be.
func Plan(n int) []Measurement {
	const slow = 50 // requests a second, a light load
	return []Measurement{
		{Name: "ours", Kind: Ours, About: "Create User, each service a process, all effects real", Count: n, Image: smallImage},
		{Name: "ours-50", Kind: Ours, About: "the same at 50 users/s", Count: min(n, steady*slow), Image: smallImage, Rate: slow},
		{Name: "bare", Kind: Chain, About: "five empty stages with nats.go alone", Count: n, Chain: chain.Bare},
		{Name: "runner", Kind: Chain, About: "five empty steps on pkg/saga", Count: n, Chain: chain.Runner},
		{Name: "watermill", Kind: Chain, About: "five empty handlers of Watermill", Count: n, Chain: chain.Watermill},
	}
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
