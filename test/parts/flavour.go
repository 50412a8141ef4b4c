package parts

import "fmt"

// flavour is where a server comes from.
type flavour string

const (
	flavourEnv      flavour = "env"      // an address given by the environment
	flavourDocker   flavour = "docker"   // a container
	flavourBinaries flavour = "binaries" // a process of the machine's own binary
)

// flavourVariable names the variable that forces one flavour.
const flavourVariable = "TEST_PARTS"

// flavours returns what to try, in order. forced is the value of TEST_PARTS,
// given tells whether the environment has an address for the part, and alone
// whether the test wants an instance that it may stop.
func flavours(forced flavour, given, alone bool) ([]flavour, error) {
	switch {
	case forced == flavourEnv && alone:
		return nil, fmt.Errorf("%s=env: this test stops its server, which it cannot do to one given by the environment", flavourVariable)
	case forced == flavourEnv && !given:
		return nil, fmt.Errorf("%s=env, but no address is given", flavourVariable)
	case forced == flavourEnv, forced == flavourDocker, forced == flavourBinaries:
		return []flavour{forced}, nil
	case forced != "":
		return nil, fmt.Errorf("%s must be env, docker or binaries", flavourVariable)
	case given && !alone:
		return []flavour{flavourEnv}, nil
	default:
		return []flavour{flavourDocker, flavourBinaries}, nil
	}
}
