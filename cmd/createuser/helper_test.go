package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

// output keeps what a command prints. It may be written to by several goroutines.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer  // guarded by mu
	more chan struct{} // holds one token after each write
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default: // one token is enough
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// await waits until text was printed.
func (o *output) await(t testing.TB, text string) {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.more:
		case <-limit.C:
			t.Fatalf("%q was not printed, but:\n%s", text, o)
		}
	}
}

// ran is how a command ended.
type ran struct {
	code     int
	out, err string
}

// command runs a command line with the given variables, as main does.
func command(t testing.TB, vars service.Vars, args ...string) ran {
	t.Helper()
	return commandWith(t, vars, "", args...)
}

// commandWith is command with standard input.
func commandWith(t testing.TB, vars service.Vars, in string, args ...string) ran {
	t.Helper()
	out, errs := newOutput(), newOutput()
	code := run(t.Context(), args, &tool{vars: withDefaults(vars), in: strings.NewReader(in), out: out, err: errs})
	return ran{code, out.String(), errs.String()}
}

// background is a command that runs.
type background struct {
	out, err *output
	stop     context.CancelFunc
	ended    chan int
}

// start starts a command; it is stopped and waited for at the end of the test.
func start(t testing.TB, vars service.Vars, in io.Reader, args ...string) *background {
	t.Helper()
	b := &background{out: newOutput(), err: newOutput(), ended: make(chan int, 1)}
	var ctx context.Context
	ctx, b.stop = context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		b.ended <- run(ctx, args, &tool{vars: withDefaults(vars), in: in, out: b.out, err: b.err})
	})
	t.Cleanup(func() {
		b.stop()
		running.Wait()
	})
	return b
}

// wait waits for the end of the command and returns its exit code.
func (b *background) wait(t testing.TB) int {
	t.Helper()
	limit := time.NewTimer(30 * time.Second)
	defer limit.Stop()
	select {
	case code := <-b.ended:
		return code
	case <-limit.C:
		t.Fatalf("it does not end; printed:\n%s%s", b.out, b.err)
		return -1
	}
}

// succeeds fails the test unless the command succeeded and printed all of wants.
func (r ran) succeeds(t testing.TB, wants ...string) {
	t.Helper()
	if r.code != 0 {
		t.Errorf("exit code %d: %s", r.code, r.err)
	}
	r.prints(t, wants...)
}

func (r ran) prints(t testing.TB, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(r.out, want) {
			t.Errorf("printed:\n%s\nwant %q", r.out, want)
		}
	}
}

// fails fails the test unless the command ended with the code and all of wants
// in its message.
func (r ran) fails(t testing.TB, code int, wants ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d: %s", r.code, code, r.err)
	}
	if !strings.HasPrefix(r.err, "createuser: ") {
		t.Errorf("stderr: %q", r.err)
	}
	for _, want := range wants {
		if !strings.Contains(r.err, want) {
			t.Errorf("stderr: %q, want %q", r.err, want)
		}
	}
}

// bareNATS starts a NATS server with JetStream and nothing in it.
func bareNATS(t testing.TB, change ...func(*natsserver.Options)) (*natsserver.Server, service.Vars) {
	t.Helper()
	options := &natsserver.Options{
		Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 8 << 20,
		JetStreamMaxStore: 1 << 40, // the streams reserve what they may fill
	}
	for _, c := range change {
		c(options)
	}
	s, err := natsserver.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	return s, service.Vars{"NATS_URL": s.ClientURL()}
}

// at are the variables that lead to a server.
func at(s *sagatest.Server) service.Vars { return service.Vars{"NATS_URL": s.URL()} }

func key(id, sagaID string) event.Key { return event.Key{User: event.UserHash(id), Saga: sagaID} }

// register appends the history of a registration that succeeds.
func register(s *sagatest.Server, id string, k event.Key) {
	for _, body := range []event.Body{
		event.TokenVerified{ID: id}, event.CodeChecked{ID: id}, event.Encrypted{ID: id}, event.Created{ID: id},
		event.NewEnded(id, event.StepCodeDeleter, event.CodeCreated),
	} {
		s.Append(body, k, time.Time{})
	}
}

// withPassword has a server ask for a password.
func withPassword(o *natsserver.Options) { o.Username, o.Password = "ada", "right" }

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
