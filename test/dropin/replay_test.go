package dropin

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/dropin/npm"
	"github.com/create-user/create-user/test/e2e/harness"
	"github.com/create-user/create-user/test/parts"
)

// registrations is how many are replayed, unless DROPIN_REGISTRATIONS says
// otherwise.
const registrations = 300

// replay is the whole of Create User in the place of the replaced service: an npm
// producer adds jobs to the Bull queue, and npm clients of an npm Socket.IO server
// wait for their outcomes.
type replay struct {
	t        *testing.T
	n        int
	system   *harness.System
	queue    *npm.Queue
	browsers *npm.Script
	messages *npm.Script // the Socket.IO server
	port     string      // of messages
}

func newReplay(t *testing.T, n int) *replay {
	t.Helper()
	r := &replay{t: t, n: n, port: harness.FreePort(t)}
	r.startMessages()
	url := "http://127.0.0.1:" + r.port
	redisURL, name := parts.Redis(t).URL, "Create_User"
	r.system = harness.Start(t, service.Vars{
		"NOTIFIER_RELAY_URL": url, "NOTIFIER_RELAY_SETTLE": "5s",
		"BULL_REDIS_URL": redisURL, "BULL_QUEUE": name, "BULL_LOCK_DURATION": "5s", "BULL_STALLED_INTERVAL": "2s",
		"SAGA_DEADLINE": "15m", // a slow machine is no reason to fail here
		"LOG_LEVEL":     "info",
	})
	r.system.Start("bull-bridge")
	r.queue = npm.Start(t, "bull.js").Queue(t, redisURL, name, nil)
	r.browsers = npm.Start(t, "browsers.js", url)
	return r
}

func (r *replay) startMessages() {
	r.t.Helper()
	r.messages = npm.Start(r.t, "messages.js", r.port)
	r.messages.Await(r.t, "messages", "the Socket.IO server listens", func(events []npm.Event) bool { return len(events) > 0 })
}

func id(user int) string { return fmt.Sprintf("replay-%d", user) }

// join opens a browser for every user, and waits until all are in their rooms.
func (r *replay) join() {
	r.t.Helper()
	var ids []any
	for user := range r.n {
		ids = append(ids, id(user))
	}
	r.browsers.Do(r.t, nil, "browsers", "join", ids...)
	r.await("all browsers are in their rooms", func() bool { return len(r.users("joined")) == r.n })
}

// users returns how often each user has reported an event.
func (r *replay) users(kind string) map[string]int {
	events, _ := r.browsers.Events("browsers")
	users := map[string]int{}
	for _, e := range events {
		if e.Event == kind {
			users[string(e.Args[0])]++
		}
	}
	return users
}

// await is until with the patience that so many registrations need.
func (r *replay) await(what string, ok func() bool) {
	r.t.Helper()
	timeout := time.After(npm.Patience + time.Duration(r.n)*100*time.Millisecond)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-timeout:
			r.t.Fatalf("not in time: %s; heard by %d, counts %+v", what, len(r.users("heard")), r.queue.Counts())
		}
	}
}

// add adds the jobs of some users, a hundred at a time, while a dashboard looks
// on. It returns once some of them are completed and others are not yet heard of,
// if the machine is fast enough for that, and how to wait for the rest.
func (r *replay) add(board *dashboard, from, to int) (wait func()) {
	r.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for first := from; first < to; first += 100 {
			var jobs []harness.Request
			for user := first; user < min(first+100, to); user++ {
				jobs = append(jobs, r.system.ValidRequest(id(user)))
			}
			board.adding(len(jobs))
			r.queue.Do(nil, "addMany", jobs, map[string]any{"attempts": 1})
			board.added(len(jobs))
		}
	}()
	r.await("some jobs are completed", func() bool { return r.queue.Counts().Completed >= from+(to-from)/8 })
	return func() { <-done }
}

// dashboard counts the jobs by state, again and again.
type dashboard struct {
	t     *testing.T
	queue *npm.Queue

	mu       sync.Mutex
	least    int // jobs that were added; guarded by mu
	most     int // those, and those that are being added; guarded by mu
	looks    int // guarded by mu
	finished int // the most that were completed; guarded by mu
}

func (d *dashboard) adding(n int) { d.mu.Lock(); d.most += n; d.mu.Unlock() }
func (d *dashboard) added(n int)  { d.mu.Lock(); d.least += n; d.mu.Unlock() }

// look counts once: each job is in one state, none has failed, and none that was
// completed comes back.
func (d *dashboard) look() npm.Counts {
	d.t.Helper()
	d.mu.Lock()
	least, finished := d.least, d.finished
	d.mu.Unlock()
	c := d.queue.Counts()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	d.finished = max(d.finished, c.Completed)
	all := c.Waiting + c.Active + c.Completed + c.Failed + c.Delayed + c.Paused
	if all < least || all > d.most || c.Failed+c.Delayed+c.Paused > 0 || c.Completed < finished {
		d.t.Errorf("the dashboard shows %+v of %d to %d jobs, %d of which were completed before", c, least, d.most, finished)
	}
	return c
}

// watch looks every now and then until stop is called.
func (d *dashboard) watch() (stop func()) {
	ended, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				d.look()
			}
		}
	}()
	return sync.OnceFunc(func() { close(ended); <-done })
}

// restart kills a service and starts it again.
func (r *replay) restart(name string) {
	r.t.Helper()
	r.t.Logf("kill -9 %s: heard by %d, counts %+v", name, len(r.users("heard")), r.queue.Counts())
	r.system.Procs[name].Kill()
	r.system.Start(name)
}

func (r *replay) restartMessages() {
	r.t.Helper()
	r.t.Logf("kill -9 the Socket.IO server: heard by %d, counts %+v", len(r.users("heard")), r.queue.Counts())
	r.messages.Kill()
	r.startMessages()
}

// expectOutcomes expects that every user has heard of success, and nothing else,
// and returns how many outcomes were heard more than once.
func (r *replay) expectOutcomes() (again int) {
	r.t.Helper()
	events, _ := r.browsers.Events("browsers")
	for _, e := range events {
		if e.Event != "heard" {
			continue
		}
		var heard harness.Heard
		if err := json.Unmarshal(e.Args[1], &heard); err != nil || !heard.Status || heard.Message != event.CodeCreated.Message() {
			r.t.Errorf("%s heard %s", e.Args[0], e.Args[1])
		}
	}
	heard := r.users("heard")
	for _, times := range heard {
		again += times - 1
	}
	if len(heard) != r.n {
		r.t.Errorf("%d of %d users have heard their outcome", len(heard), r.n)
	}
	return again
}

// expectJobs expects that the dashboard shows each job completed, with a saga of
// its own as its value, and that those sagas are all there are.
func (r *replay) expectJobs(board *dashboard) {
	r.t.Helper()
	if c := board.look(); c != (npm.Counts{Completed: r.n}) {
		r.t.Errorf("the dashboard shows %+v", c)
	}
	jobs := r.queue.Ended("completed")
	sagas := map[string]bool{}
	for _, job := range jobs {
		var saga string
		if err := json.Unmarshal(job.ReturnValue, &saga); err != nil || !event.ValidSagaID(saga) || sagas[saga] ||
			job.AttemptsMade != 0 || job.FailedReason != "" || job.ProcessedOn < job.Timestamp || job.FinishedOn < job.ProcessedOn {
			r.t.Errorf("a completed job is %+v", job)
		}
		sagas[saga] = true
	}
	if len(jobs) != r.n {
		r.t.Errorf("%d jobs are completed", len(jobs))
	}
	for _, e := range []event.Type{event.TypeTokenVerified, event.TypeCompleted} {
		all := r.system.Contents(event.StreamEvents, event.SagaEvents(e))
		for _, msg := range all {
			if _, k, err := event.ParseSubject(msg.Subject()); err != nil || !sagas[k.Saga] {
				r.t.Errorf("%s is of no job: %v", msg.Subject(), err)
			}
		}
		if len(all) != r.n {
			r.t.Errorf("%d sagas are %s", len(all), e)
		}
	}
	var rows int
	if err := r.system.Users.QueryRowContext(r.t.Context(), "SELECT COUNT(*) FROM Users").Scan(&rows); err != nil || rows != r.n {
		r.t.Errorf("%d users stand in the table, %v", rows, err)
	}
}

// From the producer's job to the browser, while everything that is in between is
// killed once. It is small unless DROPIN_REGISTRATIONS is set: see make replay.
func TestReplay_EveryJobBecomesAnOutcomeThatItsUserHears(t *testing.T) {
	n := registrations
	if set := os.Getenv("DROPIN_REGISTRATIONS"); set != "" {
		var err error
		if n, err = strconv.Atoi(set); err != nil || n < 20 {
			t.Fatalf("DROPIN_REGISTRATIONS: want a number of at least 20, have %q", set)
		}
	}
	r := newReplay(t, n)
	r.join()
	board := &dashboard{t: t, queue: npm.Start(t, "bull.js").Queue(t, parts.Redis(t).URL, "Create_User", nil)}
	stop := board.watch()
	defer stop()
	began := time.Now()

	wait := r.add(board, 0, n*2/5)
	r.restart("bull-bridge")
	wait()
	wait = r.add(board, n*2/5, n*7/10)
	r.restartMessages()
	wait()
	wait = r.add(board, n*7/10, n)
	r.restart("notifier")
	wait()
	r.await("everybody has heard", func() bool { return len(r.users("heard")) == n })
	r.await("every job is completed", func() bool { return r.queue.Counts().Completed == n })
	took := time.Since(began)
	stop()

	r.expectJobs(board)
	t.Logf("%d registrations in %s, through three kills: %d outcomes heard twice; the dashboard looked %d times",
		n, took.Round(time.Second), r.expectOutcomes(), board.looks)
}
