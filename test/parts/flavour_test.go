package parts

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFlavours(t *testing.T) {
	for name, c := range map[string]struct {
		forced       flavour
		given, alone bool
		want         []flavour
		fails        bool
	}{
		"nothing given: Docker, then binaries":                {want: []flavour{flavourDocker, flavourBinaries}},
		"an address is given":                                 {given: true, want: []flavour{flavourEnv}},
		"an address cannot serve a test that stops it":        {given: true, alone: true, want: []flavour{flavourDocker, flavourBinaries}},
		"binaries forced":                                     {forced: flavourBinaries, given: true, want: []flavour{flavourBinaries}},
		"Docker forced":                                       {forced: flavourDocker, given: true, want: []flavour{flavourDocker}},
		"environment forced":                                  {forced: flavourEnv, given: true, want: []flavour{flavourEnv}},
		"environment forced without an address":               {forced: flavourEnv, fails: true},
		"environment forced for a test that stops its server": {forced: flavourEnv, given: true, alone: true, fails: true},
		"unknown flavour":                                     {forced: "podman", fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := flavours(c.forced, c.given, c.alone)
			if (err != nil) != c.fails {
				t.Fatalf("error %v, want one: %t", err, c.fails)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("flavours (-want +got):\n%s", diff)
			}
		})
	}
}
