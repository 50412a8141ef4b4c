package npm

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"testing"
)

// Queue is a queue of npm's Bull.
type Queue struct {
	script *Script
	t      testing.TB
	name   string // in the script
}

// close closes the queue's connections; a script that was killed has none.
func (q *Queue) close() {
	select {
	case <-q.script.done:
		return
	default:
	}
	select {
	case <-q.script.done:
	case <-q.script.Begin(q.t, q.name, "close", true):
	}
}

// Kill kills the script of the queue.
func (q *Queue) Kill() { q.script.Kill() }

// Job is a job, as Bull's own clients read it.
type Job struct {
	ID           string
	State        string
	Data         json.RawMessage
	Opts         map[string]any
	Progress     float64
	Delay        float64
	Timestamp    int64
	AttemptsMade int
	FailedReason string
	Stacktrace   []string
	ReturnValue  json.RawMessage
	FinishedOn   int64
	ProcessedOn  int64
}

// Counts are the jobs in each state.
type Counts struct{ Waiting, Active, Completed, Failed, Delayed, Paused int }

// Queue opens a queue; options are those of Bull's constructor, beside redis.
func (s *Script) Queue(t testing.TB, redisURL, name string, options map[string]any) *Queue {
	t.Helper()
	u, err := url.Parse(redisURL)
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	q := &Queue{script: s, t: t, name: fmt.Sprintf("%s#%d", name, s.last)}
	s.mu.Unlock()
	t.Cleanup(q.close)
	all := map[string]any{"redis": map[string]any{"host": u.Hostname(), "port": number, "maxRetriesPerRequest": nil}}
	for name, value := range options {
		all[name] = value
	}
	q.Do(nil, "open", name, all)
	return q
}

// Do calls a method of the queue, or one of the script's own ops.
func (q *Queue) Do(to any, op string, args ...any) {
	q.t.Helper()
	q.script.Do(q.t, to, q.name, op, args...)
}

// Begin is Do without waiting for the answer.
func (q *Queue) Begin(op string, args ...any) <-chan Answer {
	q.t.Helper()
	return q.script.Begin(q.t, q.name, op, args...)
}

// Add adds a job and returns its id.
func (q *Queue) Add(data any, options map[string]any) string {
	q.t.Helper()
	var job struct{ ID any }
	q.Do(&job, "add", data, options)
	return fmt.Sprint(job.ID)
}

// Job returns a job and whether there is one.
func (q *Queue) Job(id string) (Job, bool) {
	q.t.Helper()
	var job *Job
	q.Do(&job, "job", id)
	if job == nil {
		return Job{}, false
	}
	return *job, true
}

// Ended returns the latest jobs that are "completed" or "failed", without their
// data, as many as most; 0 for all.
func (q *Queue) Ended(state string, most int) []Job {
	q.t.Helper()
	var jobs []Job
	q.Do(&jobs, "ended", state, most)
	return jobs
}

// Counts counts the jobs.
func (q *Queue) Counts() Counts {
	q.t.Helper()
	var c Counts
	q.Do(&c, "getJobCounts")
	return c
}

// Heard returns the first arguments of all events of a kind, in order.
func (q *Queue) Heard(kind string) []string {
	events, _ := q.script.Events(q.name)
	return first(events, kind)
}

func first(events []Event, kind string) []string {
	var list []string
	for _, e := range events {
		if e.Event != kind {
			continue
		}
		var first any = ""
		if len(e.Args) > 0 {
			_ = json.Unmarshal(e.Args[0], &first) // then what it is
		}
		list = append(list, fmt.Sprint(first))
	}
	return list
}

// Hear waits until n events of a kind have happened, and returns the first
// arguments of all.
func (q *Queue) Hear(kind string, n int) []string {
	q.t.Helper()
	var list []string
	q.script.Await(q.t, q.name, fmt.Sprintf("%d events %q", n, kind), func(events []Event) bool {
		list = first(events, kind)
		return len(list) >= n
	})
	return list
}
