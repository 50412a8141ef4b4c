package bull

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nuid"
	"github.com/redis/go-redis/v9"
)

var (
	//go:embed common.lua
	commonLua string
	//go:embed take.lua
	takeLua string
	//go:embed finish.lua
	finishLua string
	//go:embed requeue.lua
	requeueLua string
	//go:embed renew.lua
	renewLua string
	//go:embed recover.lua
	recoverLua string
	//go:embed promote.lua
	promoteLua string
)

// Limit is a rate limit. All workers of a queue share one count, so all should
// have the same limit. The zero value is no limit.
type Limit struct {
	Jobs int           // that may begin within a period
	Per  time.Duration // the period
}

// queue is a queue, as one worker changes it.
type queue struct {
	redis redis.UniversalClient
	base  string        // what every key begins with
	token string        // the worker's own, in each lock it holds
	lock  time.Duration // how long a lock stands
	limit Limit

	takes, finishes, requeues, renews, recovers, promotes *redis.Script
}

func newQueue(client redis.UniversalClient, prefix, name string, lock time.Duration, limit Limit) *queue {
	script := func(text string) *redis.Script { return redis.NewScript(commonLua + text) }
	return &queue{
		redis: client, base: prefix + ":" + name + ":", token: nuid.Next(), lock: lock, limit: limit,
		takes: script(takeLua), finishes: script(finishLua), requeues: script(requeueLua),
		renews: script(renewLua), recovers: script(recoverLua), promotes: script(promoteLua),
	}
}

// callTime bounds one script, so that a frozen Redis is noticed.
const callTime = 5 * time.Second

func (q *queue) call(ctx context.Context, script *redis.Script, args ...any) *redis.Cmd {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return script.Run(ctx, q.redis, []string{q.base}, args...)
}

// pop waits for a job and makes it active, without a lock yet. It returns "" when
// none came in time.
func (q *queue) pop(ctx context.Context, wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, wait+callTime)
	defer cancel()
	id, err := q.redis.BRPopLPush(ctx, q.base+"wait", q.base+"active", wait).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("wait for a job: %w", err)
	}
	return id, nil
}

// take takes up to n jobs, popped first unless it is "". With a rate limit it
// may return how long to wait before the next.
func (q *queue) take(ctx context.Context, popped string, n int, now time.Time) ([]Job, time.Duration, error) {
	reply, err := q.call(ctx, q.takes, q.token, q.lock.Milliseconds(), now.UnixMilli(), n,
		q.limit.Jobs, q.limit.Per.Milliseconds(), popped).Slice()
	if err != nil {
		return nil, 0, fmt.Errorf("take jobs: %w", err)
	}
	limited, ok := reply[0].(int64)
	if !ok {
		return nil, 0, fmt.Errorf("take jobs: the reply begins with a %T", reply[0])
	}
	jobs := make([]Job, 0, len(reply)-1)
	for _, one := range reply[1:] {
		job, err := parseJob(one)
		if err != nil {
			return nil, 0, err
		}
		jobs = append(jobs, job)
	}
	return jobs, time.Duration(limited) * time.Millisecond, nil
}

// errLost says that a job is not the worker's any more: it was removed, or its
// lock was lost, and then another worker may be at it.
var errLost = errors.New("the job is not this worker's any more")

// result turns the answer of a script that ends the work on a job into an error.
func result(what string, reply *redis.Cmd) error {
	code, err := reply.Int()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if code < 0 {
		return errLost
	}
	return nil
}

// complete ends a job well; value is JSON.
func (q *queue) complete(ctx context.Context, job Job, value string, now time.Time) error {
	return q.finish(ctx, job, "completed", value, job.options.completed, now, "returnvalue", value)
}

// fail ends a job after its last attempt.
func (q *queue) fail(ctx context.Context, job Job, reason string, now time.Time) error {
	return q.finish(ctx, job, "failed", reason, job.options.failed, now, failure(job, reason)...)
}

func (q *queue) finish(ctx context.Context, job Job, state, value string, k keep, now time.Time, fields ...any) error {
	message, err := json.Marshal(map[string]string{"jobId": job.ID, "val": value})
	if err != nil {
		return fmt.Errorf("encode the event of job %s: %w", job.ID, err)
	}
	age := int64(-1)
	if k.age >= 0 {
		age = k.age.Milliseconds()
	}
	args := []any{q.token, job.ID, now.UnixMilli(), state, message, k.count, age}
	return result("finish job "+job.ID, q.call(ctx, q.finishes, append(args, fields...)...))
}

// failure returns the fields of a job whose attempt has failed.
func failure(job Job, reason string) []any {
	trace, err := json.Marshal(append(job.stacktrace, "Error: "+reason))
	if err != nil {
		trace = []byte("[]") // strings always marshal
	}
	return []any{"failedReason", reason, "stacktrace", trace, "attemptsMade", job.AttemptsMade + 1}
}

// retry lets a job whose attempt has failed wait for the next one.
func (q *queue) retry(ctx context.Context, job Job, reason string, now time.Time) error {
	fields := failure(job, reason)
	if wait := job.options.backoff.wait(job.AttemptsMade + 1); wait > 0 {
		return q.delay(ctx, job, now.Add(wait), fields...)
	}
	where := "LPUSH"
	if job.options.lifo {
		where = "RPUSH"
	}
	return q.requeue(ctx, job, where, 0, time.Time{}, fields...)
}

// release gives a job back as the next one, as if it had never been taken.
func (q *queue) release(ctx context.Context, job Job) error {
	return q.requeue(ctx, job, "RPUSH", 0, time.Time{})
}

// delay lets a job wait until due.
func (q *queue) delay(ctx context.Context, job Job, due time.Time, fields ...any) error {
	id, _ := strconv.ParseInt(job.ID, 10, 64) // an id that is no number has no bits to keep the order
	return q.requeue(ctx, job, "delayed", place(due)|id&lowBits, due, fields...)
}

func (q *queue) requeue(ctx context.Context, job Job, where string, score int64, due time.Time, fields ...any) error {
	args := []any{q.token, job.ID, where, score, due.UnixMilli()}
	return result("give back job "+job.ID, q.call(ctx, q.requeues, append(args, fields...)...))
}

// The score of a delayed job is its due time in ms, shifted, with the low bits
// of its id, so that jobs of one millisecond keep their order.
const (
	shift   = 12
	lowBits = 1<<shift - 1
)

func place(due time.Time) int64 { return due.UnixMilli() << shift }

// renew renews the locks of the jobs and returns those that are lost.
func (q *queue) renew(ctx context.Context, ids []string) ([]string, error) {
	args := []any{q.token, q.lock.Milliseconds()}
	for _, id := range ids {
		args = append(args, id)
	}
	lost, err := q.call(ctx, q.renews, args...).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("renew the locks: %w", err)
	}
	return lost, nil
}

// recover lets stalled jobs wait again and returns them. Of all workers only one
// looks in each interval.
func (q *queue) recover(ctx context.Context, now time.Time, interval time.Duration) ([]string, error) {
	stalled, err := q.call(ctx, q.recovers, now.UnixMilli(), interval.Milliseconds()).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("look for stalled jobs: %w", err)
	}
	return stalled, nil
}

// promote lets the jobs wait that are due, and returns how long the next one is
// not, at most most.
func (q *queue) promote(ctx context.Context, now time.Time, most time.Duration) (time.Duration, error) {
	score, err := q.call(ctx, q.promotes, q.token, place(now)|lowBits).Float64()
	if errors.Is(err, redis.Nil) {
		return most, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for delayed jobs: %w", err)
	}
	due := time.UnixMilli(int64(score) >> shift)
	return min(max(due.Sub(now), 0), most), nil
}
