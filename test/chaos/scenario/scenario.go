// Package scenario runs the whole system under load while one thing or another
// goes wrong, and judges what came of it by the invariants.
package scenario

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/create-user/create-user/test/chaos/fault"
	"github.com/create-user/create-user/test/chaos/load"
	"github.com/create-user/create-user/test/chaos/system"
)

// Scenario is what goes wrong during a run.
type Scenario struct {
	Name  string
	About string
	Mix   load.Mix
	// Faults returns the schedule for a load that takes d.
	Faults func(o Options, d time.Duration) []fault.Fault
	// Lasts is the shortest that the load must take, so that it spans the faults.
	Lasts time.Duration
}

// Random is the scenario of faults of every kind, drawn from the seed.
const Random = "random"

// All returns every scenario: those that the replaced service was measured
// with, then each part and service away or frozen, then anything at all.
func All() []Scenario {
	list := []Scenario{
		calm(),
		away("encryption-down", "the encryption service is down for 5 s", system.Encryption, fault.Stop, 5*time.Second),
		keysDown(),
		away("database-down", "MariaDB is down for 10 s", system.Database, fault.Stop, 10*time.Second),
		away("notifier-away", "the Socket.IO server is away for 4 s", "notifier", fault.Stop, 4*time.Second),
		twice(),
		killEach(),
		stopEach(),
		killWaiting(),
		killOften(),
		away("redis-restart", "Redis restarts", system.Redis, fault.Stop, time.Second),
		full(),
		comeBack(),
	}
	for _, part := range []string{system.Encryption, system.Keys, system.Database, system.Redis, system.NATS} {
		list = append(list,
			away("stop-"+part, part+" is stopped for 30 s", part, fault.Stop, 30*time.Second),
			away("freeze-"+part, part+" is frozen for 30 s", part, fault.Freeze, 30*time.Second))
	}
	for _, part := range []string{system.Encryption, system.Database, system.Redis, system.NATS} {
		list = append(list, away("kill-"+part, part+" is killed (-9) and back after 2 s", part, fault.Kill, 2*time.Second))
	}
	return append(list, Scenario{
		Name: Random, About: "faults of every kind, drawn from the seed", Mix: load.Mixed(), Lasts: 10 * time.Second,
		Faults: func(o Options, d time.Duration) []fault.Fault {
			return fault.Random(o.Seed, fault.All(o.Cluster), d, o.FaultEvery, o.FaultLongest)
		},
	})
}

// Names returns the names of all scenarios.
func Names() []string {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name)
	}
	return names
}

// Find returns the scenario with a name.
func Find(name string) (Scenario, error) {
	all := All()
	if i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name }); i >= 0 {
		return all[i], nil
	}
	return Scenario{}, fmt.Errorf("no scenario %q: there are %q", name, Names())
}

// headStart is how long the load runs before the first fault of a scenario.
const headStart = 2 * time.Second

func calm() Scenario {
	return Scenario{Name: "calm", About: "nothing goes wrong", Mix: load.Mixed(),
		Faults: func(Options, time.Duration) []fault.Fault { return nil }}
}

func twice() Scenario {
	s := calm()
	s.Name, s.About, s.Mix = "submitted-twice", "each registration is submitted twice", load.Twice()
	return s
}

// away has one target down, or frozen, once. On a cluster one server of NATS is
// hit in place of the only one.
func away(name, about, target string, kind fault.Kind, d time.Duration) Scenario {
	return Scenario{Name: name, About: about, Mix: load.Mixed(), Lasts: headStart + d + 2*time.Second,
		Faults: func(o Options, _ time.Duration) []fault.Fault {
			if o.Cluster && target == system.NATS {
				return []fault.Fault{{Kind: kind, Target: system.NATS + "-1", At: headStart, For: d}}
			}
			return []fault.Fault{{Kind: kind, Target: target, At: headStart, For: d}}
		}}
}

// keysDown also restarts whoever had cached the keys.
func keysDown() Scenario {
	s := away("keys-down", "the JWKS endpoint is down for 5 s, and who knew its keys restarts meanwhile", system.Keys, fault.Stop, 5*time.Second)
	s.Faults = func(Options, time.Duration) []fault.Fault {
		return []fault.Fault{
			{Kind: fault.Stop, Target: system.Keys, At: headStart, For: 5 * time.Second},
			{Kind: fault.Stop, Target: "token-verifier", At: headStart + time.Second, For: 100 * time.Millisecond},
			{Kind: fault.Stop, Target: "notifier", At: headStart + time.Second, For: 100 * time.Millisecond},
		}
	}
	return s
}

// restart is how long a killed service is away.
const restart = time.Second

// killEach kills every service once, one after the other.
func killEach() Scenario {
	return each("kill-each", "each service is killed (-9), one after the other", fault.Kill)
}

// stopEach stops every service once by SIGTERM, as a deployment does.
func stopEach() Scenario {
	return each("stop-each", "each service is stopped (SIGTERM), one after the other", fault.Stop)
}

func each(name, about string, kind fault.Kind) Scenario {
	const every = 3 * time.Second
	return Scenario{Name: name, About: about, Mix: load.Mixed(),
		Lasts: headStart + every*time.Duration(len(system.Services())),
		Faults: func(Options, time.Duration) []fault.Fault {
			var list []fault.Fault
			for i, name := range system.Services() {
				list = append(list, fault.Fault{Kind: kind, Target: name, At: headStart + every*time.Duration(i), For: restart})
			}
			return list
		}}
}

// killWaiting kills each service while it waits for its part, with many events in hand.
func killWaiting() Scenario {
	const every, frozen = 6 * time.Second, 3 * time.Second
	pairs := [][2]string{{system.Redis, "code-checker"}, {system.Encryption, "encryptor"}, {system.Database, "user-writer"}, {system.NATS, "notifier"}}
	return Scenario{Name: "kill-waiting", About: "each service is killed (-9) while it waits for its part, which is frozen", Mix: load.Mixed(),
		Lasts: headStart + every*time.Duration(len(pairs)),
		Faults: func(o Options, _ time.Duration) []fault.Fault {
			var list []fault.Fault
			for i, pair := range pairs {
				at, part := headStart+every*time.Duration(i), pair[0]
				if o.Cluster && part == system.NATS {
					part += "-1"
				}
				list = append(list,
					fault.Fault{Kind: fault.Freeze, Target: part, At: at, For: frozen},
					fault.Fault{Kind: fault.Kill, Target: pair[1], At: at + frozen/2, For: restart})
			}
			return list
		}}
}

// killOften kills any one service every two seconds for a minute.
func killOften() Scenario {
	const every, lasts = 2 * time.Second, time.Minute
	return Scenario{Name: "kill-often", About: "any one service is killed (-9) every 2 s for 60 s", Mix: load.Mixed(), Lasts: headStart + lasts,
		Faults: func(o Options, _ time.Duration) []fault.Fault {
			random := rand.New(rand.NewPCG(o.Seed, 3))
			var list []fault.Fault
			for at := headStart; at < headStart+lasts; at += every {
				target := system.Services()[random.IntN(len(system.Services()))]
				list = append(list, fault.Fault{Kind: fault.Kill, Target: target, At: at, For: restart})
			}
			return list
		}}
}

// full fills the inbox, and then the event store.
func full() Scenario {
	return Scenario{Name: "streams-full", About: "the inbox, and then the event store, is full for 4 s", Mix: load.Mixed(), Lasts: 16 * time.Second,
		Faults: func(Options, time.Duration) []fault.Fault {
			return []fault.Fault{
				{Kind: fault.Fill, Target: "USER_CREATE_REQUESTS", At: headStart, For: 4 * time.Second},
				{Kind: fault.Fill, Target: "USER_CREATE_EVENTS", At: headStart + 7*time.Second, For: 4 * time.Second},
			}
		}}
}

// comeBack takes NATS away while clients ask what they have missed.
func comeBack() Scenario {
	const d = 40 * time.Second
	return Scenario{Name: "clients-return", About: "the clients are cut off, and NATS is stopped for 40 s as they come back",
		Mix: load.Mixed(), Lasts: headStart + d + 4*time.Second,
		Faults: func(o Options, _ time.Duration) []fault.Fault {
			list := []fault.Fault{ // what the notifier sends is held back first, and lost then
				{Kind: fault.Hold, Target: system.Clients, At: headStart, For: 1500 * time.Millisecond},
				{Kind: fault.Cut, Target: system.Clients, At: headStart + 1200*time.Millisecond, For: time.Second},
			}
			for _, name := range fault.All(o.Cluster).NATS {
				list = append(list, fault.Fault{Kind: fault.Stop, Target: name, At: headStart + 1500*time.Millisecond, For: d})
			}
			return list
		}}
}
