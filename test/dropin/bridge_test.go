package dropin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/streams"
	"github.com/create-user/create-user/test/dropin/npm"
	"github.com/create-user/create-user/test/e2e/harness"
	"github.com/create-user/create-user/test/parts"
)

// crossing is a bridge between a Bull queue and the inbox of Create User, of which
// nobody takes the requests.
type crossing struct {
	*bench
	nats *parts.NATSServer
	js   jetstream.JetStream
	vars service.Vars
	logs *harness.Logs
}

func newCrossing(t *testing.T) *crossing { return newCrossingOn(t, parts.Redis(t).URL) }

func newCrossingOn(t *testing.T, redisURL string) *crossing {
	t.Helper()
	c := &crossing{bench: newBenchOn(t, redisURL), nats: parts.NATS(t), logs: &harness.Logs{}}
	conn, err := nats.Connect(c.nats.URL, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if c.js, err = jetstream.New(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := streams.Apply(t.Context(), c.js, streams.Options{}); err != nil {
		t.Fatal(err)
	}
	c.vars = service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": service.ModeDevelopment, "NATS_URL": c.nats.URL,
		"BULL_REDIS_URL": redisURL, "BULL_QUEUE": c.name,
		"BULL_LOCK_DURATION": "2s", "BULL_STALLED_INTERVAL": "500ms",
	})
	t.Cleanup(func() {
		c.expectNone(c.logs.String(), "the logs", phone, password, tok, code)
		if t.Failed() {
			t.Logf("logs of the bridge:\n%.8000s", c.logs)
		}
	})
	return c
}

// start starts the bridge.
func (c *crossing) start() *harness.Process {
	c.t.Helper()
	p, _ := c.startAt(harness.FreePort(c.t))
	return p
}

// startAt starts the bridge with its probes on a port, and returns their URL.
func (c *crossing) startAt(port string) (*harness.Process, string) {
	c.t.Helper()
	p := harness.StartProcess(c.t, c.vars.With(service.Vars{"METRICS_PORT": port}), c.logs, "bull-bridge")
	url := "http://127.0.0.1:" + port
	harness.WaitReady(c.t, url+"/healthz", p)
	return p, url
}

const (
	phone    = "+4915155501234"
	password = "sesame-open-wide"
	tok      = "aaaa.bbbb.cccc"
	code     = "739154"
)

func (c *crossing) expectNone(text, where string, secrets ...string) {
	c.t.Helper()
	for _, secret := range secrets {
		if strings.Contains(text, secret) {
			c.t.Errorf("%q stands in %s", secret, where)
		}
	}
}

func data(id string) map[string]any {
	return map[string]any{
		"Id": id, "Token": tok, "Code": code, "Phone": phone, "Password": password, "Username": "Ada", "Image": "",
	}
}

// inbox returns the requests that are stored.
func (c *crossing) inbox() []*jetstream.RawStreamMsg {
	c.t.Helper()
	stream, err := c.js.Stream(c.t.Context(), event.StreamRequests)
	if err != nil {
		c.t.Fatal(err)
	}
	var all []*jetstream.RawStreamMsg
	state := stream.CachedInfo().State
	for n := state.FirstSeq; n <= state.LastSeq && state.Msgs > 0; n++ {
		msg, err := stream.GetMsg(c.t.Context(), n)
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, msg)
	}
	return all
}

// expectStored expects exactly these sagas in the inbox.
func (c *crossing) expectStored(sagas ...string) []*jetstream.RawStreamMsg {
	c.t.Helper()
	all := c.inbox()
	var got []string
	for _, msg := range all {
		got = append(got, msg.Header.Get(event.HeaderMsgID))
		c.expectNone(string(msg.Data), "the inbox", phone, password)
	}
	slices.Sort(got)
	slices.Sort(sagas)
	if !slices.Equal(got, sagas) {
		c.t.Errorf("stored are the sagas %v, want %v", got, sagas)
	}
	return all
}

// saga returns the saga's id that a completed job has returned.
func (c *crossing) saga(id string) string {
	c.t.Helper()
	job := c.expectJob(id, "completed")
	var saga string
	if err := json.Unmarshal(job.ReturnValue, &saga); err != nil || !event.ValidSagaID(saga) {
		c.t.Errorf("job %s returned %s", id, job.ReturnValue)
	}
	return saga
}

func TestBridge_CompletesAJobOnceItsRequestIsStored(t *testing.T) {
	c := newCrossing(t)
	_, probes := c.startAt(harness.FreePort(t))
	id := c.Add(data("ada"), nil)
	c.Hear("completed", 1)
	saga := c.saga(id)
	until(t, "the metrics count it", func() bool {
		return strings.Contains(get(t, probes+"/metrics"), `create_user_bull_jobs_total{end="completed"} 1`)
	})
	if ready := get(t, probes+"/readyz"); ready != `{"bull":"ok","nats":"ok"}`+"\n" {
		t.Errorf("ready: %s", ready)
	}
	msg := c.expectStored(saga)[0]
	request, err := event.DecodeRequested(msg.Data)
	if err != nil || request.ID != "ada" || request.Token != tok || request.Sealed == nil {
		t.Fatalf("the request of %q, sealed: %t, %v", request.ID, request.Sealed != nil, err)
	}
	keys, err := event.ParsePrivateKeys(service.DevSealPrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	got, err := event.NewOpener(keys...).Open(*request.Sealed)
	if err != nil || got.Phone != phone || got.Password != password {
		t.Errorf("opened: %v", err)
	}
	c.expectCounts(npm.Counts{Completed: 1})
}

func get(t testing.TB, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBridge_PutsALargeImageAside(t *testing.T) {
	c := newCrossing(t)
	c.start()
	image := "data:image/gif;base64," + strings.Repeat("R0lGODlh", 20<<10)
	large := data("ada")
	large["Image"] = image
	id := c.Add(large, nil)
	c.Hear("completed", 1)
	request, err := event.DecodeRequested(c.expectStored(c.saga(id))[0].Data)
	if err != nil || request.Image.Claim == nil {
		t.Fatalf("no claim check: %v", err)
	}
	if got, err := images.New(c.js).Get(t.Context(), request.Image); err != nil || got != image {
		t.Errorf("the image has %d characters, %v", len(got), err)
	}
}

func TestBridge_MakesARequestOfBadDataThatTheSagaRefuses(t *testing.T) {
	for name, change := range map[string]func(map[string]any){
		"a password is missing":       func(d map[string]any) { delete(d, "Password") },
		"a code is a number":          func(d map[string]any) { d["Code"] = 739154 },
		"the Id is too long":          func(d map[string]any) { d["Id"] = strings.Repeat("x", 200) },
		"the token is missing":        func(d map[string]any) { delete(d, "Token") },
		"the image is too large":      func(d map[string]any) { d["Image"] = strings.Repeat("x", event.MaxImage+1) },
		"what was sealed for another": func(d map[string]any) { d["Image"] = event.NewImageClaim("other", []byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrossing(t)
			c.start()
			bad := data("ada")
			change(bad)
			id := c.Add(bad, nil)
			c.Hear("completed", 1)
			msg := c.expectStored(c.saga(id))[0]
			if request, err := event.DecodeRequested(msg.Data); err == nil || request.ID != bad["Id"] {
				t.Errorf("the request of %.10q is valid: %v", request.ID, err)
			}
		})
	}
}

func TestBridge_FailsAJobThatMakesNoRequest(t *testing.T) {
	for name, bad := range map[string]any{
		"text": password, "a number": 7, "a list": []string{password}, "nothing": map[string]any{},
		"an Id that is a number": map[string]any{"Id": 7, "Password": password},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrossing(t)
			c.start()
			var added struct{ ID any }
			c.Do(&added, "add", "__default__", bad, map[string]any{"attempts": 2})
			c.Hear("failed", 1)
			job := c.expectJob(fmt.Sprint(added.ID), "failed")
			if !strings.HasPrefix(job.FailedReason, "the job's data make no request: ") || job.AttemptsMade != 2 {
				t.Errorf("the job is %+v", job)
			}
			c.expectNone(job.FailedReason+fmt.Sprint(job.Stacktrace), "the reason", password)
			c.expectStored()
		})
	}
}

func TestBridge_KeepsJobsWhileNATSIsAway(t *testing.T) {
	c := newCrossing(t)
	c.vars = c.vars.With(service.Vars{"BULL_CONCURRENCY": "4"})
	c.nats.Stop(t)
	c.start()
	var ids []string
	for i := range 10 {
		ids = append(ids, c.Add(data(fmt.Sprint("user-", i)), map[string]any{"jobId": fmt.Sprint("job-", i)}))
	}
	c.Hear("active", 4)
	c.expectCounts(npm.Counts{Active: 4, Waiting: 6})
	c.nats.Start(t)
	c.Hear("completed", len(ids))
	var sagas []string
	for _, id := range ids {
		sagas = append(sagas, c.saga(id))
	}
	c.expectStored(sagas...)
	if stalled := c.Heard("stalled"); len(stalled) > 0 {
		t.Errorf("stalled: %v", stalled)
	}
}

func TestBridge_KeepsJobsWhileTheInboxIsFull(t *testing.T) {
	c := newCrossing(t)
	c.limit(func(s *jetstream.StreamConfig) { s.MaxMsgs = 1 })
	c.start()
	first := c.Add(data("first"), nil)
	c.Hear("completed", 1)
	second := c.Add(data("second"), nil)
	until(t, "NATS has refused the second", func() bool { return strings.Contains(c.logs.String(), "cannot store a request") })
	c.expectCounts(npm.Counts{Completed: 1, Active: 1})
	c.limit(func(s *jetstream.StreamConfig) { s.MaxMsgs = -1 })
	c.Hear("completed", 2)
	c.expectStored(c.saga(first), c.saga(second))
}

func TestBridge_PostponesARequestThatNATSRefusesForItsSize(t *testing.T) {
	c := newCrossing(t)
	c.limit(func(s *jetstream.StreamConfig) { s.MaxMsgSize = 100 })
	c.start()
	id := c.Add(data("ada"), nil)
	until(t, "the job is delayed", func() bool { return c.Counts() == npm.Counts{Delayed: 1} })
	c.limit(func(s *jetstream.StreamConfig) { s.MaxMsgSize = -1 })
	c.Do(nil, "of", id, "promote")
	c.Hear("completed", 1)
	c.expectStored(c.saga(id))
	if job := c.expectJob(id, "completed"); job.AttemptsMade != 0 {
		t.Errorf("the job is %+v", job)
	}
}

// limit changes the inbox.
func (c *crossing) limit(change func(*jetstream.StreamConfig)) {
	c.t.Helper()
	stream, err := c.js.Stream(c.t.Context(), event.StreamRequests)
	if err != nil {
		c.t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := c.js.UpdateStream(c.t.Context(), config); err != nil {
		c.t.Fatal(err)
	}
}

func TestBridge_KilledBeforeTheRequestIsStored(t *testing.T) {
	c := newCrossing(t)
	c.nats.Stop(t)
	dying := c.start()
	id := c.Add(data("ada"), nil)
	c.Hear("active", 1)
	dying.Kill()
	c.nats.Start(t)
	c.start()
	if got := c.Hear("stalled", 1); !slices.Equal(got, []string{id}) {
		t.Errorf("stalled: %v", got)
	}
	c.Hear("completed", 1)
	c.expectStored(c.saga(id))
	c.expectCounts(npm.Counts{Completed: 1})
}

func TestBridge_KilledBetweenStoringAndCompleting(t *testing.T) {
	server := parts.RedisAlone(t)
	c := newCrossingOn(t, server.URL)
	c.nats.Stop(t)
	dying := c.start()
	id := c.Add(data("ada"), map[string]any{"jobId": "the one"})
	c.Hear("active", 1)
	server.Pause(t)
	c.nats.Start(t)
	until(t, "the request is stored", func() bool { return len(c.inbox()) == 1 })
	dying.Kill()
	server.Resume(t)
	c.expectJob(id, "active")
	c.start()
	c.Hear("completed", 1)
	c.expectStored(c.saga(id))
	c.expectCounts(npm.Counts{Completed: 1})
}

func TestBridge_OutlivesARestartOfRedis(t *testing.T) {
	server := parts.RedisAlone(t)
	c := newCrossingOn(t, server.URL)
	c.vars = c.vars.With(service.Vars{"BULL_LOCK_DURATION": "30s"})
	c.nats.Stop(t)
	c.start()
	id := c.Add(data("ada"), nil)
	c.Hear("active", 1)
	server.Stop(t)
	c.nats.Start(t)
	until(t, "the request is stored", func() bool { return len(c.inbox()) == 1 })
	server.Start(t)
	until(t, "the job completes", func() bool { job, ok := c.Job(id); return ok && job.State == "completed" })
	next := c.Add(data("bob"), nil)
	until(t, "the next job completes", func() bool { job, ok := c.Job(next); return ok && job.State == "completed" })
	c.expectStored(c.saga(id), c.saga(next))
}

func TestBridge_GivesItsJobsBackWhenItIsStopped(t *testing.T) {
	c := newCrossing(t)
	c.nats.Stop(t)
	leaving := c.start()
	id := c.Add(data("ada"), nil)
	c.Hear("active", 1)
	leaving.Stop(t)
	c.expectCounts(npm.Counts{Waiting: 1})
	c.nats.Start(t)
	c.start()
	c.Hear("completed", 1)
	c.expectStored(c.saga(id))
	if stalled := c.Heard("stalled"); len(stalled) > 0 {
		t.Errorf("stalled: %v", stalled)
	}
}

func TestBridge_TellsApartJobsOfAQueueThatGivesItsIdsOutAgain(t *testing.T) {
	c := newCrossing(t)
	c.start()
	first := c.Add(data("ada"), nil)
	c.Hear("completed", 1)
	saga := c.saga(first)
	c.Do(nil, "obliterate", map[string]any{"force": true})
	again := c.Add(data("ada"), nil)
	if again != first {
		t.Fatalf("the ids are %s and %s", first, again)
	}
	c.Hear("completed", 2)
	c.expectStored(saga, c.saga(again))
}

func TestBridge_MakesNoSecondSagaOfAJobThatIsTriedAgain(t *testing.T) {
	c := newCrossing(t)
	c.start()
	id := c.Add(data("ada"), nil)
	c.Hear("completed", 1)
	saga := c.saga(id)
	// As after a stall that nobody noticed: the same job waits again.
	client := c.redis()
	base := "bull:" + c.name + ":"
	client.ZRem(t.Context(), base+"completed", id)
	client.HDel(t.Context(), base+id, "returnvalue", "finishedOn")
	client.LPush(t.Context(), base+"wait", id)
	c.Hear("completed", 2)
	if again := c.saga(id); again != saga {
		t.Errorf("the sagas are %s and %s", saga, again)
	}
	c.expectStored(saga)
}

func TestBridge_WorksWithoutAKey(t *testing.T) {
	c := newCrossing(t)
	delete(c.vars, "SEAL_PUBLIC_KEY")
	c.start()
	id := c.Add(data("ada"), nil)
	c.Hear("completed", 1)
	saga := c.saga(id)
	all := c.inbox()
	request, err := event.DecodeRequested(all[0].Data)
	if len(all) != 1 || err != nil || request.Password != password || all[0].Header.Get(event.HeaderMsgID) != saga {
		t.Errorf("%d requests, %v", len(all), err)
	}
	if !strings.Contains(c.logs.String(), "SEAL_PUBLIC_KEY is not set") {
		t.Error("nobody was warned")
	}
}

// Bull's own worker fails a job that stalls a second time; a bridge that is
// killed again and again must not lose one.
func TestBridge_NeverGivesUpAJobThatStallsAgainAndAgain(t *testing.T) {
	c := newCrossing(t)
	c.nats.Stop(t)
	id := c.Add(data("ada"), map[string]any{"removeOnFail": true})
	for n := range 3 {
		dying := c.start()
		c.Hear("active", n+1)
		dying.Kill()
	}
	c.nats.Start(t)
	c.start()
	c.Hear("completed", 1)
	c.expectStored(c.saga(id))
	if failed := c.Heard("failed"); len(failed) > 0 {
		t.Errorf("failed: %v", failed)
	}
}
