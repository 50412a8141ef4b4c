package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/create-user/create-user/bench/load"
	"github.com/create-user/create-user/bench/node"
	"github.com/create-user/create-user/bench/proc"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/chaos/invariants"
	"github.com/create-user/create-user/test/chaos/system"
)

// heardTime is how long the last outcome may take after the last publish.
const heardTime = 3 * time.Minute

// ours measures Create User: the service binaries as processes.
func (r *Runner) ours(ctx context.Context, m Measurement) (result Run, err error) {
	users := r.usersOf(m)
	s, err := r.startSystem(ctx, m, services(m.Replicas))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, s.End(), s.Remove()) }() //nolint:contextcheck // also when ctx has ended
	if err := storeCodes(ctx, s, users); err != nil {
		return result, err
	}
	listener, err := node.Listen(ctx, s.Address(system.Clients), ids(users))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, listener.Close()) }()

	publish, err := newPublisher(s.JS, m)
	if err != nil {
		return result, err
	}
	measured := measured{
		users: users, listener: listener, publish: publish.all,
		pids:    pidsOf(s, append(system.Services(), system.NATS, system.Redis, system.Database, system.Encryption)...),
		folders: map[string]string{"nats": filepath.Join(s.Folder(), system.NATS), "mariadb": filepath.Join(s.Folder(), system.Database)},
	}
	result, heard, err := r.measure(ctx, m, measured)
	if err != nil {
		return result, err
	}
	result.Problems, err = judge(ctx, s, users, heard)
	return result, err
}

// startSystem starts the parts and the given services, as deployed: nothing
// stands between them.
func (r *Runner) startSystem(ctx context.Context, m Measurement, services map[string]int) (*system.System, error) {
	o := system.Options{
		Bin: r.Bin, Direct: true, Fsync: "everysec", Services: services, Store: m.Store, Cluster: m.Cluster,
		Vars: service.Vars{"LOG_LEVEL": "info", "NOTIFIER_AUTH": "off", "JWT_JWKS_URL": "", "JWT_SECRET": service.DevJWTSecret},
	}
	if m.Sync != "" {
		o.NATS = "sync_interval: " + m.Sync
	}
	return system.Start(ctx, o)
}

// services returns how many of each service run.
func services(replicas map[string]int) map[string]int {
	all := map[string]int{}
	for _, name := range system.Services() {
		all[name] = max(1, replicas[name])
	}
	return all
}

func storeCodes(ctx context.Context, s *system.System, users []load.User) error {
	codes := make(map[string]string, len(users))
	for _, u := range users {
		codes[u.ID] = u.Code
	}
	return s.StoreCodes(ctx, codes)
}

func ids(users []load.User) []string {
	list := make([]string, len(users))
	for i, u := range users {
		list[i] = u.ID
	}
	return list
}

// pidsOf returns the processes, with all replicas, of some programs.
func pidsOf(s *system.System, programs ...string) map[string]int {
	pids := map[string]int{}
	for name, p := range s.Procs {
		if slices.Contains(programs, Program(name)) {
			pids[name] = p.Pid()
		}
	}
	return pids
}

// measured is a system that is ready to be measured.
type measured struct {
	users    []load.User
	listener *node.Listener
	// publish publishes all requests, and returns when each was, by Id, on the
	// clock of the proc package.
	publish func(ctx context.Context, users []load.User, rate float64) (map[string]time.Duration, error)
	pids    map[string]int    // of what belongs to the system
	folders map[string]string // of its data, by part
}

// measure publishes all requests and waits until each outcome is heard.
func (r *Runner) measure(ctx context.Context, m Measurement, s measured) (Run, map[string][]node.Heard, error) {
	n := len(s.users)
	result := Run{Name: m.Name, Count: n, Rate: m.Rate}
	disk, err := disks(s.folders)
	if err != nil {
		return result, nil, err
	}
	meter, err := startMeter(s.pids)
	if err != nil {
		return result, nil, err
	}
	heard := make(chan error, 1)
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	bar := r.bar(m.Name, n)
	go func() { heard <- s.listener.Await(waiting, n, bar.show) }() // it is received from below
	published, err := s.publish(ctx, s.users, m.Rate)
	late := time.AfterFunc(heardTime, stop)
	defer late.Stop()
	if err != nil {
		stop()
	}
	if err = errors.Join(err, <-heard); err != nil {
		return result, nil, err
	}
	bar.finish()
	if err := meter.stop(&result, n); err != nil {
		return result, nil, err
	}
	if result.Disk, err = grown(s.folders, disk, n); err != nil {
		return result, nil, err
	}
	outcomes, err := s.listener.Outcomes(ctx)
	if err != nil {
		return result, nil, err
	}
	result.time(published, outcomes)
	return result, outcomes, nil
}

// warmUp is how long requests are published at a steady rate before each counts:
// a just-in-time compiler, a pool of connections and a cache fill first.
const warmUp = 2 * time.Second

// time fills in how long the whole took, and each user.
func (r *Run) time(published map[string]time.Duration, heard map[string][]node.Heard) {
	first := slices.Min(slices.Collect(maps.Values(published)))
	var last time.Duration
	var times, warm []time.Duration
	for id, at := range published {
		for _, h := range heard[id] {
			last = max(last, h.At)
		}
		took := heard[id][0].At - at // all were heard
		times = append(times, took)
		if at-first >= warmUp {
			warm = append(warm, took)
		}
	}
	if r.Rate > 0 && len(warm) > 0 {
		times = warm
	}
	r.Seconds = (last - first).Seconds()
	r.PerSecond = float64(r.Count) / r.Seconds
	r.Latency = latencyOf(times)
}

func disks(folders map[string]string) (map[string]int64, error) {
	all := map[string]int64{}
	for name, folder := range folders {
		bytes, err := proc.Disk(folder)
		if err != nil {
			return nil, err
		}
		all[name] = bytes
	}
	return all, nil
}

// grown returns by how many KiB the folders have grown for each of n users.
func grown(folders map[string]string, before map[string]int64, n int) (map[string]float64, error) {
	after, err := disks(folders)
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for name := range folders {
		all[name] = float64(after[name]-before[name]) / 1024 / float64(n)
	}
	return all, nil
}

// shownProblems is how many broken invariants are kept in full.
const shownProblems = 10

// judge waits until the system is at rest, and checks the invariants.
func judge(ctx context.Context, s *system.System, users []load.User, heard map[string][]node.Heard) ([]string, error) {
	if err := rest(ctx, s); err != nil {
		return nil, err
	}
	facts, _, err := s.Facts(ctx, load.Registrations(users))
	if err != nil {
		return nil, err
	}
	facts.Heard = map[string][]invariants.Outcome{}
	for saga, list := range heard {
		for _, h := range list {
			facts.Heard[saga] = append(facts.Heard[saga], h.Outcome)
		}
	}
	problems := s.Troubles()
	violations := invariants.Check(facts)
	for _, v := range violations[:min(len(violations), shownProblems)] {
		problems = append(problems, v.String())
	}
	if more := len(violations) - shownProblems; more > 0 {
		problems = append(problems, fmt.Sprintf("and %d more", more))
	}
	return problems, nil
}

// restTime is how long a system may take until no event is open any more.
const restTime = time.Minute

func rest(ctx context.Context, s *system.System) error {
	ctx, cancel := context.WithTimeout(ctx, restTime)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		quiet, err := s.Quiet(ctx)
		if err != nil || quiet {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("wait until no saga is open: %w", ctx.Err())
		}
	}
}
