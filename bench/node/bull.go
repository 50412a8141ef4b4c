package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/create-user/create-user/bench/child"
	"github.com/create-user/create-user/bench/load"
)

// BullConfig says where the parts are that the Bull job uses. Addresses are
// host:port; the database's account is root without a password.
type BullConfig struct {
	Concurrency            int // jobs at once
	Redis, MySQL, Database string
	SOAP                   string // URL
	Secret                 string // of the tokens
}

// Bull is a running Bull job, with the Socket.IO server that it emits to and the
// process that adds jobs to its queue.
type Bull struct {
	rooms, worker, publisher *child.Child
	port                     int
}

// StartBull starts the programs of the job.
func StartBull(ctx context.Context, c BullConfig) (b *Bull, err error) {
	b = &Bull{}
	defer func() {
		if err != nil {
			_ = b.Close() // the first error says more
		}
	}()
	for script, into := range map[string]**child.Child{"rooms.js": &b.rooms, "worker.js": &b.worker, "publish.js": &b.publisher} {
		if *into, err = start(ctx, script); err != nil {
			return nil, err
		}
	}
	redis, err := address(c.Redis)
	if err != nil {
		return nil, err
	}
	database, err := address(c.MySQL)
	if err != nil {
		return nil, err
	}
	database["user"], database["database"] = "root", c.Database
	var listening struct{ Port int }
	if err := b.rooms.Ask(ctx, map[string]any{"op": "start"}, &listening); err != nil {
		return nil, err
	}
	b.port = listening.Port
	if err := b.publisher.Ask(ctx, map[string]any{"op": "start", "redis": redis}, &struct{}{}); err != nil {
		return nil, err
	}
	return b, b.worker.Ask(ctx, map[string]any{
		"op": "start", "concurrency": c.Concurrency, "redis": redis, "mysql": database, "soap": c.SOAP,
		"rooms": "http://" + b.Address(), "secret": c.Secret,
	}, &struct{}{})
}

func address(addr string) (map[string]any, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("read the address of a part: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("read the address of a part: %w", err)
	}
	return map[string]any{"host": host, "port": n}, nil
}

// Address returns where clients reach the Socket.IO server.
func (b *Bull) Address() string { return "127.0.0.1:" + strconv.Itoa(b.port) }

// Pids returns the processes of the job itself, by name.
func (b *Bull) Pids() map[string]int {
	return map[string]int{"bull": b.worker.Pid(), "rooms": b.rooms.Pid()}
}

// atOnce is how many jobs are told in one line.
const atOnce = 500

// Prepare hands over the users whose jobs are to be added. Their images are the same.
func (b *Bull) Prepare(ctx context.Context, users []load.User) error {
	for len(users) > 0 {
		n := min(atOnce, len(users))
		jobs := make([]load.User, n)
		copy(jobs, users)
		for i := range jobs {
			jobs[i].Image = ""
		}
		err := b.publisher.Ask(ctx, map[string]any{"op": "jobs", "image": users[0].Image, "jobs": jobs}, &struct{}{})
		if err != nil {
			return fmt.Errorf("prepare the jobs: %w", err)
		}
		users = users[n:]
	}
	return nil
}

// Publish adds all jobs, at a steady rate unless it is 0, and returns when each
// was added, by Id, on the clock of the proc package.
func (b *Bull) Publish(ctx context.Context, rate float64) (map[string]time.Duration, error) {
	var answer struct {
		Published map[string]time.Duration `json:"published"`
	}
	err := b.publisher.Ask(ctx, map[string]any{"op": "publish", "rate": rate}, &answer)
	return answer.Published, err
}

// Close ends the programs.
func (b *Bull) Close() error {
	var errs []error
	for _, c := range []*child.Child{b.publisher, b.worker, b.rooms} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
