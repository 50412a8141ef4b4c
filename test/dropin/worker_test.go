package dropin

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/bull-bridge/bull"
	"github.com/create-user/create-user/test/dropin/npm"
	"github.com/create-user/create-user/test/parts"
)

// bench is a queue of its own that npm's Bull observes, and our workers.
type bench struct {
	t    *testing.T
	url  string
	name string
	*npm.Queue
}

func newBench(t *testing.T) *bench { return newBenchOn(t, parts.Redis(t).URL) }

func newBenchOn(t *testing.T, url string) *bench {
	t.Helper()
	t.Parallel()                                                                                      // a test waits more than it works, and has its own queue
	b := &bench{t: t, url: url, name: strings.ReplaceAll(t.Name(), "/", "-") + "-" + rand.Text()[:6]} // another one each time: Redis is shared
	b.Queue = npm.Shared(t).Queue(t, url, b.name, nil)
	b.Do(nil, "listen")
	return b
}

func (b *bench) redis() *redis.Client {
	b.t.Helper()
	options, err := redis.ParseURL(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	options.ContextTimeoutEnabled, options.MaxRetries = true, -1
	client := redis.NewClient(options)
	b.t.Cleanup(func() { _ = client.Close() })
	return client
}

// options are those of a worker of which a test need not wait long for anything.
func (b *bench) options() bull.Options {
	b.t.Helper()
	return bull.Options{
		Redis: b.redis(), Prefix: "bull", Queue: b.name, Concurrency: 4,
		Lock: 30 * time.Second, Check: 500 * time.Millisecond, Grace: 100 * time.Millisecond, Logger: zerolog.New(zerolog.NewTestWriter(b.t)),
	}
}

// work starts a worker of ours, and returns how to stop it. It stops with the test.
func (b *bench) work(o bull.Options, handle bull.Handler) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		bull.Work(ctx, o, handle)
	}()
	stop = func() { cancel(); <-done }
	b.t.Cleanup(stop)
	return stop
}

// npmWork starts a worker of npm's on the same queue.
func (b *bench) npmWork(does string, settings map[string]any) *npm.Queue {
	b.t.Helper()
	q := npm.Start(b.t, "bull.js").Queue(b.t, b.url, b.name, map[string]any{"settings": settings})
	q.Do(nil, "work", 4, does, "npm")
	return q
}

func (b *bench) expectCounts(want npm.Counts) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.Counts()); diff != "" {
		b.t.Errorf("counts (-want +got):\n%s", diff)
	}
}

func (b *bench) expectJob(id, state string) npm.Job {
	b.t.Helper()
	job, ok := b.Job(id)
	if !ok {
		b.t.Fatalf("there is no job %s", id)
	}
	if job.State != state {
		b.t.Errorf("job %s is %s, want %s", id, job.State, state)
	}
	return job
}

func value(v any) bull.Handler { return func(context.Context, bull.Job) (any, error) { return v, nil } }

func failing(reason string) bull.Handler {
	return func(context.Context, bull.Job) (any, error) { return nil, errors.New(reason) }
}

// gate is a handler that lets each job pass only when it is told to.
type gate struct {
	at   chan bull.Job // each job that has come
	pass chan struct{}
}

func newGate() *gate { return &gate{at: make(chan bull.Job, 100), pass: make(chan struct{}, 100)} }

func (g *gate) handle(ctx context.Context, job bull.Job) (any, error) {
	g.at <- job
	select {
	case <-g.pass:
		return "passed", nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) await(t *testing.T) bull.Job {
	t.Helper()
	select {
	case job := <-g.at:
		return job
	case <-time.After(npm.Patience):
		t.Fatal("no job has come")
		return bull.Job{}
	}
}

// until asks again and again until ok says yes.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(npm.Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatalf("not within %s: %s", npm.Patience, what)
		}
	}
}

func now() int64 { return time.Now().UnixMilli() }

func TestWorker_CompletesAJobAsBullsOwnDoes(t *testing.T) {
	b := newBench(t)
	g := newGate()
	before := now()
	b.work(b.options(), g.handle)
	id := b.Add(map[string]any{"Id": "ada", "nested": []int{1}}, nil)
	if job := g.await(t); string(job.Data) != `{"Id":"ada","nested":[1]}` || job.ID != id {
		t.Errorf("the handler gets job %s: %s", job.ID, job.Data)
	}
	b.Hear("active", 1)
	b.expectCounts(npm.Counts{Active: 1})
	job := b.expectJob(id, "active")
	if job.ProcessedOn < before || job.FinishedOn != 0 {
		t.Errorf("at work since %d, ended %d", job.ProcessedOn, job.FinishedOn)
	}
	finished := b.Begin("of", id, "finished")
	g.pass <- struct{}{}
	if got := b.Hear("completed", 1); !slices.Equal(got, []string{id}) {
		t.Errorf("completed: %v", got)
	}
	if got := <-finished; string(got.Value) != `"passed"` {
		t.Errorf("job.finished() says %s %s", got.Value, got.Error)
	}
	b.expectCounts(npm.Counts{Completed: 1})
	job = b.expectJob(id, "completed")
	if string(job.ReturnValue) != `"passed"` || job.AttemptsMade != 0 || job.Progress != 0 || job.FailedReason != "" ||
		job.FinishedOn < job.ProcessedOn || job.FinishedOn > now() {
		t.Errorf("the job is %+v", job)
	}
	b.Hear("drained", 1)
}

func TestWorker_FailsAJobAsBullsOwnDoes(t *testing.T) {
	b := newBench(t)
	b.work(b.options(), failing(`no "luck"`))
	id := b.Add(map[string]any{}, nil)
	b.Hear("failed", 1)
	b.expectCounts(npm.Counts{Failed: 1})
	job := b.expectJob(id, "failed")
	if job.FailedReason != `no "luck"` || job.AttemptsMade != 1 || len(job.Stacktrace) != 1 || job.FinishedOn == 0 ||
		string(job.ReturnValue) != "null" {
		t.Errorf("the job is %+v", job)
	}
}

func TestWorker_RetriesAsTheProducerAsked(t *testing.T) {
	for name, c := range map[string]struct {
		options map[string]any
		pauses  []int64 // at least, in ms
	}{
		"at once":                    {map[string]any{"attempts": 3}, []int64{0, 0}},
		"after a number of ms":       {map[string]any{"attempts": 2, "backoff": 150}, []int64{150}},
		"after fixed pauses":         {map[string]any{"attempts": 3, "backoff": map[string]any{"type": "fixed", "delay": 120}}, []int64{120, 120}},
		"after ever longer ones":     {map[string]any{"attempts": 4, "backoff": map[string]any{"type": "exponential", "delay": 50}}, []int64{50, 150, 350}},
		"last in, first out":         {map[string]any{"attempts": 2, "lifo": true}, []int64{0}},
		"by its priority":            {map[string]any{"attempts": 2, "priority": 3}, []int64{0}},
		"by priority, after a while": {map[string]any{"attempts": 2, "priority": 3, "backoff": 60}, []int64{60}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			var mu sync.Mutex
			var begun []int64
			b.work(b.options(), func(_ context.Context, job bull.Job) (any, error) {
				mu.Lock()
				defer mu.Unlock()
				if begun = append(begun, now()); job.AttemptsMade != len(begun)-1 {
					t.Errorf("attempt %d says %d were made", len(begun), job.AttemptsMade)
				}
				return nil, fmt.Errorf("attempt %d", len(begun))
			})
			id := b.Add(map[string]any{}, c.options)
			b.Hear("failed", 1)
			job := b.expectJob(id, "failed")
			if want := fmt.Sprintf("attempt %d", len(c.pauses)+1); job.FailedReason != want || job.AttemptsMade != len(c.pauses)+1 || len(job.Stacktrace) != len(c.pauses)+1 {
				t.Errorf("the job is %+v", job)
			}
			for i, want := range c.pauses {
				if got := begun[i+1] - begun[i]; got < want {
					t.Errorf("pause %d took %d ms, want %d", i+1, got, want)
				}
			}
			if got := b.Heard("failed"); len(got) != 1 {
				t.Errorf("failed was heard %d times", len(got))
			}
		})
	}
}

func TestWorker_CompletesAfterAFailedAttempt(t *testing.T) {
	b := newBench(t)
	b.work(b.options(), func(_ context.Context, job bull.Job) (any, error) {
		if job.AttemptsMade == 0 {
			return nil, errors.New("not yet")
		}
		return map[string]int{"n": 1}, nil
	})
	id := b.Add(map[string]any{}, map[string]any{"attempts": 2})
	b.Hear("completed", 1)
	job := b.expectJob(id, "completed")
	if string(job.ReturnValue) != `{"n":1}` || job.AttemptsMade != 1 {
		t.Errorf("the job is %+v", job)
	}
}

func TestWorker_PostponesWithoutCountingAnAttempt(t *testing.T) {
	b := newBench(t)
	var once sync.Once
	b.work(b.options(), func(context.Context, bull.Job) (result any, err error) {
		once.Do(func() { err = bull.Postpone(errors.New("later"), 300*time.Millisecond) })
		return "done", err
	})
	id := b.Add(map[string]any{}, nil)
	b.Hear("waiting", 2)
	b.Hear("completed", 1)
	if job := b.expectJob(id, "completed"); job.AttemptsMade != 0 {
		t.Errorf("the job is %+v", job)
	}
}

func TestWorker_RemovesFinishedJobsAsTheProducerAsked(t *testing.T) {
	type options = map[string]any
	for name, c := range map[string]struct {
		keep any
		left int // of 5
	}{
		"true":                 {true, 0},
		"false":                {false, 5},
		"a number":             {2, 2},
		"zero":                 {0, 0},
		"a count":              {options{"count": 3}, 3},
		"an age that none has": {options{"age": 3600}, 5},
		"an age and a count":   {options{"age": 3600, "count": 1}, 1},
	} {
		for _, state := range []string{"completed", "failed"} {
			t.Run(state+" "+name, func(t *testing.T) {
				b := newBench(t)
				o := b.options()
				o.Concurrency = 1
				handle, option := value("x"), "removeOnComplete"
				if state == "failed" {
					handle, option = failing("x"), "removeOnFail"
				}
				b.work(o, handle)
				for range 5 {
					b.Add(options{}, options{option: c.keep})
				}
				b.Hear(state, 5)
				want := npm.Counts{Completed: c.left}
				if state == "failed" {
					want = npm.Counts{Failed: c.left}
				}
				b.expectCounts(want)
				client := b.redis()
				keys, err := client.Keys(t.Context(), "bull:"+b.name+":[0-9]*").Result()
				if err != nil || len(keys) != c.left {
					t.Errorf("%d keys of jobs are left: %v, %v", len(keys), keys, err)
				}
			})
		}
	}
}

func TestWorker_RemovesFinishedJobsByAge(t *testing.T) {
	b := newBench(t)
	old := b.Add(map[string]any{}, nil)
	b.work(b.options(), value("x"))
	b.Hear("completed", 1)
	client := b.redis()
	hourAgo := float64(time.Now().Add(-time.Hour).UnixMilli())
	if err := client.ZAdd(t.Context(), "bull:"+b.name+":completed", redis.Z{Score: hourAgo, Member: old}).Err(); err != nil {
		t.Fatal(err)
	}
	id := b.Add(map[string]any{}, map[string]any{"removeOnComplete": map[string]any{"age": 60}})
	b.Hear("completed", 2)
	b.expectJob(id, "completed")
	if _, ok := b.Job(old); ok {
		t.Error("the old job is still there")
	}
}

func TestWorker_TakesJobsInBullsOrder(t *testing.T) {
	type options = map[string]any
	for name, c := range map[string]struct {
		jobs []options
		want []int
	}{
		"first in, first out":        {[]options{nil, nil, nil}, []int{0, 1, 2}},
		"last in, first out":         {[]options{{"lifo": true}, {"lifo": true}, {"lifo": true}}, []int{2, 1, 0}},
		"priorities before the rest": {[]options{nil, {"priority": 2}, {"priority": 1}, {"priority": 2}, nil}, []int{2, 1, 3, 0, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for i, o := range c.jobs {
				b.Add(options{"i": i}, o)
			}
			o := b.options()
			o.Concurrency = 1
			got := make(chan int, len(c.jobs))
			b.work(o, func(_ context.Context, job bull.Job) (any, error) {
				var data struct{ I int }
				err := json.Unmarshal(job.Data, &data)
				got <- data.I
				return nil, err
			})
			b.Hear("completed", len(c.jobs))
			var order []int
			for range c.jobs {
				order = append(order, <-got)
			}
			if diff := cmp.Diff(c.want, order); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

// Jobs that we give back keep the order that Bull gives to priorities.
func TestWorker_RanksPrioritiesAmongThoseOfBull(t *testing.T) {
	b := newBench(t)
	late := b.Add(map[string]any{}, map[string]any{"priority": 2, "delay": 400})
	b.Do(nil, "pause")
	var ids []string
	for _, priority := range []int{1, 2, 3, 3, 1} {
		ids = append(ids, b.Add(map[string]any{}, map[string]any{"priority": priority}))
	}
	b.work(b.options(), value("x"))
	until(t, "the delayed job waits", func() bool { return slices.Contains(b.Heard("waiting"), late) })
	list, err := b.redis().LRange(t.Context(), "bull:"+b.name+":paused", 0, -1).Result()
	want := []string{ids[3], ids[2], late, ids[1], ids[4], ids[0]} // the next one stands last
	if diff := cmp.Diff(want, list); err != nil || diff != "" {
		t.Errorf("waiting: %v (-want +got):\n%s", err, diff)
	}
}

func TestWorker_LetsDelayedJobsWaitUntilTheyAreDue(t *testing.T) {
	b := newBench(t)
	b.work(b.options(), value("x"))
	added := now()
	later := b.Add(map[string]any{}, map[string]any{"delay": 500})
	sooner := b.Add(map[string]any{}, map[string]any{"delay": 150})
	b.expectCounts(npm.Counts{Delayed: 2})
	if got := b.Hear("completed", 2); !slices.Equal(got, []string{sooner, later}) {
		t.Errorf("completed: %v, want %v", got, []string{sooner, later})
	}
	for id, delay := range map[string]int64{sooner: 150, later: 500} {
		job := b.expectJob(id, "completed")
		if at := job.ProcessedOn - added; at < delay-1 {
			t.Errorf("job %s began after %d ms, want %d", id, at, delay)
		}
	}
}

func TestWorker_RestsWhileTheQueueIsPaused(t *testing.T) {
	b := newBench(t)
	g := newGate()
	o := b.options()
	o.Concurrency = 1
	b.work(o, g.handle)
	first := b.Add(map[string]any{}, nil)
	g.await(t)
	b.Do(nil, "pause")
	second := b.Add(map[string]any{}, nil)
	g.pass <- struct{}{}
	b.Hear("completed", 1)
	until(t, "the second job rests", func() bool { return b.Counts() == npm.Counts{Completed: 1, Paused: 1} })
	b.Do(nil, "resume")
	g.await(t)
	g.pass <- struct{}{}
	if got := b.Hear("completed", 2); !slices.Equal(got, []string{first, second}) {
		t.Errorf("completed: %v", got)
	}
}

func TestWorker_RetriesIntoAPausedQueue(t *testing.T) {
	b := newBench(t)
	g := newGate()
	b.work(b.options(), func(ctx context.Context, job bull.Job) (any, error) {
		if _, err := g.handle(ctx, job); err != nil {
			return nil, err
		}
		return nil, errors.New("no")
	})
	b.Add(map[string]any{}, map[string]any{"attempts": 2})
	g.await(t)
	b.Do(nil, "pause")
	g.pass <- struct{}{}
	// "drained" says nothing here: it may be told as soon as the only job is taken.
	until(t, "the job waits for its retry in the paused queue", func() bool { return b.Counts() == npm.Counts{Paused: 1} })
	b.Do(nil, "resume")
	g.await(t)
	g.pass <- struct{}{}
	b.Hear("failed", 1)
}

func TestWorker_RenewsItsLocks(t *testing.T) {
	b := newBench(t)
	g := newGate()
	o := b.options()
	o.Lock = 4 * time.Second // renewed each second
	b.work(o, g.handle)
	id := b.Add(map[string]any{}, nil)
	g.await(t)
	b.npmWork("return", map[string]any{"stalledInterval": 200}) // it looks for stalled jobs
	client := b.redis()
	began := time.Now()
	until(t, "twice the lock's duration has gone", func() bool {
		if client.Exists(t.Context(), "bull:"+b.name+":"+id+":lock").Val() != 1 {
			t.Fatal("the lock is gone")
		}
		return time.Since(began) > 2*o.Lock
	})
	g.pass <- struct{}{}
	b.Hear("completed", 1)
	if job := b.expectJob(id, "completed"); string(job.ReturnValue) != `"passed"` {
		t.Errorf("the job is %+v", job)
	}
	if stalled := b.Heard("stalled"); len(stalled) > 0 {
		t.Errorf("stalled: %v", stalled)
	}
}

func TestWorker_RecoversWhatANpmWorkerLeftBehind(t *testing.T) {
	b := newBench(t)
	id := b.Add(map[string]any{}, nil)
	other := b.npmWork("hang", map[string]any{"lockDuration": 500, "stalledInterval": 500})
	other.Hear("at work", 1)
	other.Kill()
	b.work(b.options(), value("ours"))
	if got := b.Hear("stalled", 1); !slices.Equal(got, []string{id}) {
		t.Errorf("stalled: %v", got)
	}
	b.Hear("completed", 1)
	if job := b.expectJob(id, "completed"); string(job.ReturnValue) != `"ours"` || job.AttemptsMade != 0 {
		t.Errorf("the job is %+v", job)
	}
}

func TestWorker_LeavesWhatItDroppedToNpmWorkers(t *testing.T) {
	b := newBench(t)
	id := b.Add(map[string]any{}, nil)
	client := b.redis()
	// As a worker that was killed between taking a job and locking it.
	if err := client.LMove(t.Context(), "bull:"+b.name+":wait", "bull:"+b.name+":active", "RIGHT", "LEFT").Err(); err != nil {
		t.Fatal(err)
	}
	b.npmWork("return", map[string]any{"stalledInterval": 200})
	b.Hear("stalled", 1)
	b.Hear("completed", 1)
	b.expectJob(id, "completed")
}

func TestWorker_SharesAQueueWithNpmWorkers(t *testing.T) {
	const jobs = 400
	b := newBench(t)
	o := b.options()
	var ours atomic.Int64
	begun := make(chan struct{})
	b.work(o, func(context.Context, bull.Job) (any, error) {
		if ours.Add(1) > 1 {
			<-begun // so that they get some
		}
		return "ours", nil
	})
	b.Add(map[string]any{}, nil)
	b.Hear("completed", 1)
	other := b.npmWork("return", nil)
	b.Do(nil, "addMany", make([]map[string]any, jobs), map[string]any{})
	other.Hear("at work", 1)
	close(begun)
	ids := b.Hear("completed", jobs+1)
	slices.Sort(ids)
	if distinct := slices.Compact(slices.Clone(ids)); len(distinct) != jobs+1 || len(ids) != jobs+1 {
		t.Errorf("%d jobs completed, in %d events", len(distinct), len(ids))
	}
	if theirs := len(other.Heard("at work")); int(ours.Load())+theirs != jobs+1 {
		t.Errorf("we did %d, they did %d", ours.Load(), theirs)
	}
	b.expectCounts(npm.Counts{Completed: jobs + 1})
}

func TestWorker_GivesUpAJobThatSomebodyElseHasTaken(t *testing.T) {
	b := newBench(t)
	g := newGate()
	b.work(b.options(), g.handle)
	id := b.Add(map[string]any{}, nil)
	g.await(t)
	if err := b.redis().Set(t.Context(), "bull:"+b.name+":"+id+":lock", "another", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	g.pass <- struct{}{}
	next := b.Add(map[string]any{}, nil)
	g.await(t)
	g.pass <- struct{}{}
	if got := b.Hear("completed", 1); !slices.Equal(got, []string{next}) {
		t.Errorf("completed: %v, want only %s", got, next)
	}
	b.expectJob(id, "active")
}

func TestWorker_ForgetsAJobThatIsRemovedWhileItWaitsOrWorks(t *testing.T) {
	b := newBench(t)
	client := b.redis()
	ghost := b.Add(map[string]any{}, nil)
	client.Del(t.Context(), "bull:"+b.name+":"+ghost)
	g := newGate()
	b.work(b.options(), g.handle)
	id := b.Add(map[string]any{}, nil)
	if job := g.await(t); job.ID != id {
		t.Errorf("job %s came", job.ID)
	}
	b.Do(nil, "obliterate", map[string]any{"force": true})
	g.pass <- struct{}{}
	again := b.Add(map[string]any{}, nil)
	g.await(t)
	g.pass <- struct{}{}
	b.Hear("completed", 1)
	b.expectJob(again, "completed")
	b.expectCounts(npm.Counts{Completed: 1})
}

func TestWorker_StopsGracefully(t *testing.T) {
	t.Run("what is nearly done is completed", func(t *testing.T) {
		b := newBench(t)
		o := b.options()
		o.Grace = npm.Patience
		g := newGate()
		stop := b.work(o, g.handle)
		id := b.Add(map[string]any{}, nil)
		g.await(t)
		g.pass <- struct{}{}
		stop()
		b.Hear("completed", 1)
		b.expectJob(id, "completed")
	})
	t.Run("what is not is the next for others", func(t *testing.T) {
		b := newBench(t)
		g := newGate()
		stop := b.work(b.options(), g.handle)
		first := b.Add(map[string]any{}, nil)
		g.await(t)
		stop()
		second := b.Add(map[string]any{}, nil)
		b.expectCounts(npm.Counts{Waiting: 2})
		if n := b.redis().Exists(t.Context(), "bull:"+b.name+":"+first+":lock").Val(); n != 0 {
			t.Error("the lock is still there")
		}
		b.npmWork("return", nil)
		if got := b.Hear("completed", 2); !slices.Equal(got, []string{first, second}) {
			t.Errorf("completed: %v", got)
		}
		if job := b.expectJob(first, "completed"); job.AttemptsMade != 0 {
			t.Errorf("the job is %+v", job)
		}
	})
}

func TestWorker_KeepsTheRateLimitOfTheQueue(t *testing.T) {
	const jobs, most, per = 12, 3, 400 * time.Millisecond
	b := newBench(t)
	o := b.options()
	o.Limit = bull.Limit{Jobs: most, Per: per}
	var mu sync.Mutex
	begun := []int64{}
	note := func(context.Context, bull.Job) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		begun = append(begun, now())
		return nil, nil
	}
	b.work(o, note)
	two := o
	two.Redis = b.redis()
	b.work(two, note)
	b.Do(nil, "addMany", make([]map[string]any, jobs), map[string]any{})
	b.Hear("completed", jobs)
	slices.Sort(begun)
	if took := begun[jobs-1] - begun[0]; took < (jobs/most-2)*per.Milliseconds() {
		t.Errorf("%d jobs began within %d ms", jobs, took)
	}
	b.expectCounts(npm.Counts{Completed: jobs})
}

func TestWorker_SharesTheRateLimitWithNpmWorkers(t *testing.T) {
	const jobs = 8
	b := newBench(t)
	limiter := map[string]any{"max": 2, "duration": 300}
	other := npm.Start(t, "bull.js").Queue(t, b.url, b.name, map[string]any{"limiter": limiter})
	other.Do(nil, "work", 2, "return", "npm")
	b.Do(nil, "addMany", make([]map[string]any, jobs), map[string]any{})
	other.Hear("at work", 1)
	o := b.options()
	o.Limit = bull.Limit{Jobs: 2, Per: 300 * time.Millisecond}
	b.work(o, value("x"))
	b.Hear("completed", jobs)
	b.expectCounts(npm.Counts{Completed: jobs})
	left, err := b.redis().Exists(t.Context(), "bull:"+b.name+":limiter:limited", "bull:"+b.name+":limiter:index").Result()
	if err != nil || left != 0 {
		t.Errorf("%d keys still say that jobs are delayed by the limit, %v", left, err)
	}
}

func TestWorker_FreesTheDebounceKeyOfTheProducer(t *testing.T) {
	b := newBench(t)
	b.work(b.options(), value("x"))
	debounced := map[string]any{"debounce": map[string]any{"id": "one"}}
	b.Add(map[string]any{}, debounced)
	b.Hear("completed", 1)
	b.Add(map[string]any{}, debounced)
	b.Hear("completed", 2)
	b.expectCounts(npm.Counts{Completed: 2})
}

func TestWorker_OutlivesRedis(t *testing.T) {
	server := parts.RedisAlone(t)
	b := newBenchOn(t, server.URL)
	g := newGate()
	b.work(b.options(), g.handle)
	first := b.Add(map[string]any{}, nil)
	second := b.Add(map[string]any{}, nil)
	g.await(t)
	g.await(t)
	server.Stop(t)
	g.pass <- struct{}{}
	g.pass <- struct{}{}
	server.Start(t)
	for _, id := range []string{first, second} {
		until(t, "job "+id+" completes", func() bool { job, ok := b.Job(id); return ok && job.State == "completed" })
	}
	third := b.Add(map[string]any{}, nil)
	g.await(t)
	g.pass <- struct{}{}
	until(t, "the next job completes", func() bool { job, ok := b.Job(third); return ok && job.State == "completed" })
	b.expectCounts(npm.Counts{Completed: 3})
}
