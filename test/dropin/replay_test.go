package dropin

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
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
	board    *dashboard
	browsers *npm.Script
	flavour  flavour
	messages []*npm.Script // the Socket.IO server, in each of its lives
	port     string        // of messages
}

// flavour is a kind of Socket.IO server that a notifier relays to.
type flavour struct {
	arguments []string // of messages.js
	settle    time.Duration
	ack       bool
}

// flavours are that server as it is, which says nothing, and one that acknowledges
// each outcome with whether anybody hears it. The first is left alone until its
// browsers are back, and thousands need long: their server's queue of connections
// overflows, and those that were left out try again after 20 s.
func flavours(n int) map[string]flavour {
	return map[string]flavour{
		"to a server that acknowledges nothing":                       {settle: 10*time.Second + time.Duration(n)*10*time.Millisecond},
		"to a server that acknowledges with whether anybody hears it": {arguments: []string{"ack"}, ack: true},
	}
}

func newReplay(t *testing.T, n int, f flavour) *replay {
	t.Helper()
	r := &replay{t: t, n: n, flavour: f, port: harness.FreePort(t)}
	r.startMessages()
	url := "http://127.0.0.1:" + r.port
	redisURL, name := parts.Redis(t).URL, fmt.Sprintf("Create_User_%t_%d", f.ack, time.Now().UnixNano())
	r.system = harness.Start(t, service.Vars{
		"NOTIFIER_RELAY_URL": url, "NOTIFIER_RELAY_SETTLE": f.settle.String(), "NOTIFIER_RELAY_ACK": strconv.FormatBool(f.ack),
		"BULL_REDIS_URL": redisURL, "BULL_QUEUE": name, "BULL_LOCK_DURATION": "5s", "BULL_STALLED_INTERVAL": "2s",
		"SAGA_DEADLINE": "15m", // a slow machine is no reason to fail here
		"LOG_LEVEL":     "info",
	})
	r.system.Start("bull-bridge")
	r.queue = npm.Start(t, "bull.js").Queue(t, redisURL, name, nil)
	r.board = &dashboard{t: t, queue: npm.Start(t, "bull.js").Queue(t, redisURL, name, nil), values: map[string]string{}}
	r.browsers = npm.Start(t, "browsers.js", url)
	return r
}

func (r *replay) startMessages() {
	r.t.Helper()
	messages := npm.Start(r.t, "messages.js", append([]string{r.port}, r.flavour.arguments...)...)
	r.messages = append(r.messages, messages)
	messages.Await(r.t, "messages", "the Socket.IO server listens", func(events []npm.Event) bool { return len(events) > 0 })
}

func (r *replay) id(user int) string { return fmt.Sprintf("replay-%t-%d", r.flavour.ack, user) }

// join opens a browser for every user, and waits until all are in their rooms.
func (r *replay) join() {
	r.t.Helper()
	var ids []any
	for user := range r.n {
		ids = append(ids, r.id(user))
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
			users[unquote(e.Args[0])]++
		}
	}
	return users
}

func unquote(id json.RawMessage) string { return strings.Trim(string(id), `"`) }

// await is until with the patience that so many registrations need.
func (r *replay) await(what string, ok func() bool) {
	r.t.Helper()
	timeout := time.After(npm.Patience + time.Duration(r.n)*100*time.Millisecond)
	tick := time.NewTicker(100 * time.Millisecond)
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
func (r *replay) add(from, to int) (wait func()) {
	r.t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for first := from; first < to; first += 100 {
			var jobs []harness.Request
			for user := first; user < min(first+100, to); user++ {
				jobs = append(jobs, r.system.ValidRequest(r.id(user)))
			}
			r.board.adding(len(jobs))
			r.queue.Do(nil, "addMany", jobs, map[string]any{"attempts": 1})
			r.board.added(len(jobs))
		}
	}()
	r.await("some jobs are completed", func() bool { return r.queue.Counts().Completed >= from+(to-from)/8 })
	return func() { <-done }
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
	r.messages[len(r.messages)-1].Kill()
	r.startMessages()
}

// told returns who told a user's outcome to a room, by user: one entry for each
// time, which is empty when nobody was in the room.
func (r *replay) told() map[string][]string {
	r.t.Helper()
	told := map[string][]string{}
	for _, life := range r.messages {
		events, _ := life.Events("messages")
		for _, e := range events {
			if e.Event != "told" {
				continue
			}
			who := unquote(e.Args[1])
			if string(e.Args[2]) == "0" {
				who = ""
			}
			user := strings.TrimSuffix(unquote(e.Args[0]), "_Create_User")
			told[user] = append(told[user], who)
		}
	}
	return told
}

// expectOutcomes expects that every user has heard of success, and nothing else;
// and that nobody was told twice but over two connections: one of them was killed
// before the server could show that the outcome had arrived. It returns how many
// outcomes were told in vain, and heard again.
func (r *replay) expectOutcomes() (inVain, again int) {
	r.t.Helper()
	events, _ := r.browsers.Events("browsers")
	for _, e := range events {
		if e.Event != "heard" {
			continue
		}
		var outcome harness.Heard
		if err := json.Unmarshal(e.Args[1], &outcome); err != nil || !outcome.Status || outcome.Message != event.CodeCreated.Message() {
			r.t.Errorf("%s heard %s", e.Args[0], e.Args[1])
		}
	}
	heard := r.users("heard")
	told, deaf := r.told(), 0
	for user := range r.n {
		id := r.id(user)
		connections := map[string]bool{}
		for _, who := range told[id] {
			switch {
			case who == "":
				inVain++
			case connections[who]:
				r.t.Errorf("%s was told twice over one connection", id)
			}
			connections[who] = who != ""
		}
		delete(connections, "")
		if heard[id] < 1 || heard[id] > len(connections) {
			r.t.Errorf("%s has heard %d times; told (empty: to nobody): %q", id, heard[id], told[id])
		}
		again += max(0, heard[id]-1)
		if len(told[id]) > 0 && len(connections) == 0 {
			deaf++
		}
	}
	if deaf > 0 {
		r.t.Errorf("%d outcomes were told to rooms whose browsers were not back after NOTIFIER_RELAY_SETTLE=%s", deaf, r.flavour.settle)
	}
	return inVain, again
}

// expectJobs expects that the dashboard shows each job completed, with a saga of
// its own as its value, and that those sagas are all there are.
func (r *replay) expectJobs() {
	r.t.Helper()
	if c := r.board.look(); c != (npm.Counts{Completed: r.n}) {
		r.t.Errorf("the dashboard shows %+v", c)
	}
	sagas := map[string]bool{}
	for _, saga := range r.board.completed(0) {
		sagas[saga] = true
	}
	if len(sagas) != r.n {
		r.t.Errorf("%d jobs are completed with a saga of their own", len(sagas))
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
	for name, f := range flavours(n) {
		t.Run(name, func(t *testing.T) { newReplay(t, n, f).run() })
	}
}

func (r *replay) run() {
	r.t.Helper()
	r.join()
	stop := r.board.watch()
	defer stop()
	began := time.Now()

	wait := r.add(0, r.n*2/5)
	r.restart("bull-bridge")
	wait()
	wait = r.add(r.n*2/5, r.n*7/10)
	r.restartMessages()
	wait()
	heard := len(r.users("heard"))
	r.await("outcomes are heard again", func() bool { return len(r.users("heard")) > heard })
	wait = r.add(r.n*7/10, r.n)
	r.restart("notifier")
	wait()
	r.await("every job is completed", func() bool { return r.queue.Counts().Completed == r.n })
	r.await("all outcomes are told", r.allTold)
	took := time.Since(began)
	stop()

	r.expectJobs()
	inVain, again := r.expectOutcomes()
	r.t.Logf("%d registrations in %s, through three kills: %d outcomes told to an empty room, %d heard twice; the dashboard looked %d times",
		r.n, took.Round(time.Second), inVain, again, r.board.looks)
}

// allTold reports whether everybody has heard; or, for not to wait in vain, whether
// the relay has nothing left to tell, and those it was told to have heard.
func (r *replay) allTold() bool {
	heard := r.users("heard")
	if len(heard) == r.n {
		return true
	}
	consumer, err := r.system.JS.Consumer(r.t.Context(), event.StreamEvents, event.StepNotifier)
	if err != nil {
		r.t.Fatal(err)
	}
	told := r.told()
	if info := consumer.CachedInfo(); info.NumPending > 0 || info.NumAckPending > 0 || len(told) < r.n {
		return false
	}
	for user, who := range told {
		if strings.Join(who, "") != "" && heard[user] == 0 {
			return false
		}
	}
	return true
}
