package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/bench/load"
	"github.com/create-user/create-user/bench/node"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/chaos/system"
)

// bull measures the job that Create User replaces, on the same parts.
func (r *Runner) bull(ctx context.Context, m Measurement) (result Run, err error) {
	users := r.usersOf(m)
	s, err := r.startSystem(ctx, m, map[string]int{})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, s.End(), s.Remove()) }() //nolint:contextcheck // also when ctx has ended
	if err := storeCodes(ctx, s, users); err != nil {
		return result, err
	}
	job, err := node.StartBull(ctx, node.BullConfig{
		Concurrency: m.Jobs, Redis: s.Address(system.Redis), MySQL: s.Address(system.Database), Database: "users",
		SOAP: "http://" + s.Address(system.Encryption) + "/", Secret: service.DevJWTSecret,
	})
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, job.Close()) }()
	if err := job.Prepare(ctx, users); err != nil {
		return result, err
	}
	listener, err := node.Listen(ctx, job.Address(), ids(users))
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, listener.Close()) }()

	pids := pidsOf(s, system.Redis, system.Database, system.Encryption)
	for name, pid := range job.Pids() {
		pids[name] = pid
	}
	result, heard, err := r.measure(ctx, m, measured{
		users: users, listener: listener, pids: pids,
		publish: func(ctx context.Context, _ []load.User, rate float64) (map[string]time.Duration, error) {
			return job.Publish(ctx, rate)
		},
	})
	if err != nil {
		return result, err
	}
	result.Problems, err = judgeBull(ctx, s, users, heard)
	return result, err
}

// judgeBull checks that all users were created, and told so.
func judgeBull(ctx context.Context, s *system.System, users []load.User, heard map[string][]node.Heard) (problems []string, err error) {
	facts, _, err := s.Facts(ctx, load.Registrations(users))
	if err != nil {
		return nil, err
	}
	for _, u := range users {
		if _, stands := facts.Rows[u.ID]; !stands || len(heard[u.ID]) != 1 || !heard[u.ID][0].Status {
			problems = append(problems, fmt.Sprintf("user %s: row %t, heard %d outcomes", u.ID, stands, len(heard[u.ID])))
		}
	}
	if more := len(problems) - shownProblems; more > 0 {
		problems = append(problems[:shownProblems], fmt.Sprintf("and %d more", more))
	}
	return problems, nil
}
