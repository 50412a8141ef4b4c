package notify

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/pkg/token"
)

func TestMain(m *testing.M) {
	code := m.Run()
	var stacks strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 2) // a strings.Builder takes all
	if strings.Contains(stacks.String(), "/rooms/") {
		fmt.Fprintln(os.Stderr, "a Socket.IO server was left behind:\n"+stacks.String())
		code = 1
	}
	os.Exit(code)
}

func newServer(t testing.TB) *sagatest.Server {
	t.Helper()
	return sagatest.New(t, event.StepNotifier)
}

var listening = regexp.MustCompile(`"address":"([^"]+)","setting":"NOTIFIER_PORT"`)

// start starts a notifier and returns it and its address, once it lets clients in.
func start(t testing.TB, s *sagatest.Server, vars service.Vars) (*servicetest.Process, string) {
	t.Helper()
	p := servicetest.Start(t, s, Service(), service.Vars{"NOTIFIER_PORT": "0"}.With(vars))
	return p, address(p)
}

func address(p *servicetest.Process) string {
	p.Await(`"setting":"NOTIFIER_PORT"`)
	return listening.FindStringSubmatch(p.Logs())[1]
}

func sign(t testing.TB, id string) string {
	t.Helper()
	tok, err := token.Sign([]byte(service.DevJWTSecret), id, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// joined is a client in the room of its user.
func joined(t testing.TB, address, id string) *client {
	t.Helper()
	c := connect(t, address, sign(t, id))
	if ack := c.join(id); ack != `[{"joined":true}]` {
		t.Fatalf("joinRoom is answered %s", ack)
	}
	return c
}

// begin, complete and fail append events of a saga.
func begin(s *sagatest.Server, id string) event.Key {
	k := s.Key(id)
	s.Append(event.TokenVerified{ID: id}, k, time.Time{})
	return k
}

func complete(s *sagatest.Server, k event.Key, id string) {
	s.Append(event.NewEnded(id, event.StepCodeDeleter, event.CodeCreated), k, time.Time{})
}

func fail(s *sagatest.Server, k event.Key, id string, code event.Code, of string) {
	ended := event.NewEnded(id, event.StepCodeChecker, code)
	ended.Of = of
	s.Append(ended, k, time.Time{})
}

func TestRun_TellsOutcomes(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p, first := start(t, s, nil)
	_, second := start(t, s, nil)
	ada, elsewhere, bob := joined(t, first, "ada"), joined(t, second, "ada"), joined(t, first, "bob")
	if text := p.Metrics(); !strings.Contains(text, "create_user_socketio_clients 2\n") {
		t.Errorf("two clients are connected, but it shows:\n%s", text)
	}

	a := begin(s, "ada")
	complete(s, a, "ada")
	ada.expectHeard(a.Saga, event.CodeCreated)
	elsewhere.expectHeard(a.Saga, event.CodeCreated)
	joined(t, first, "ada").expectHeard(a.Saga, event.CodeCreated)  // late
	joined(t, second, "ada").expectHeard(a.Saga, event.CodeCreated) // and elsewhere

	b := begin(s, "bob")
	fail(s, b, "bob", event.CodeIncorrect, "")
	bob.expectHeard(b.Saga, event.CodeIncorrect) // and nothing of ada's before

	p.Stop()
	for _, secret := range []string{"ada_Create_User", sign(t, "ada")[:20]} {
		if strings.Contains(p.Logs(), secret) {
			t.Errorf("the log holds %.8s…", secret)
		}
	}
}

func TestRun_GuardsRooms(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, guarded := start(t, s, nil)
	const refused = `[{"error":"not allowed to join this room"}]`
	for name, tok := range map[string]string{"no token": "", "another's token": sign(t, "bob"), "a broken token": "eyJ"} {
		if ack := connect(t, guarded, tok).join("ada"); ack != refused {
			t.Errorf("%s: joinRoom is answered %s", name, ack)
		}
	}
	p, open := start(t, s, service.Vars{"NOTIFIER_AUTH": "off", "JWT_SECRET": ""})
	if ack := connect(t, open, "").join("ada"); ack != `[{"joined":true}]` {
		t.Errorf("joinRoom is answered %s", ack)
	}
	if !strings.Contains(p.Logs(), "NOTIFIER_AUTH=off") {
		t.Error("the log does not warn")
	}
}

// The clients hear the sagas in the order of their ends, each as it was stored;
// a duplicate, and what would contradict a success, is not heard.
func TestRun_TellsOverlappingRegistrationsApart(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, at := start(t, s, nil)
	early := joined(t, at, "ada")

	a, b, twice := begin(s, "ada"), begin(s, "ada"), begin(s, "ada")
	fail(s, twice, "ada", event.CodeDuplicateRequest, a.Saga)
	fail(s, b, "ada", event.CodeIncorrect, "")
	early.expectHeard(b.Saga, event.CodeIncorrect)
	fail(s, a, "ada", event.CodeEncryptionFailed, "")
	early.expectHeard(a.Saga, event.CodeEncryptionFailed)
	joined(t, at, "ada").expectHeard(a.Saga, event.CodeEncryptionFailed)

	c, d, e := begin(s, "ada"), begin(s, "ada"), begin(s, "ada")
	waiting := joined(t, at, "ada") // hears nothing of the past: its outcome will come
	complete(s, c, "ada")
	fail(s, d, "ada", event.CodeIncorrect, "")
	fail(s, e, "ada", event.CodeUserExists, "")
	for _, client := range []*client{early, waiting} {
		client.expectHeard(c.Saga, event.CodeCreated)
		client.expectHeard(e.Saga, event.CodeUserExists)
	}
}

func TestRun_LetsNobodyInBeforeItFollows(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if err := s.JS().DeleteStream(t.Context(), event.StreamEvents); err != nil {
		t.Fatal(err)
	}
	p := servicetest.Start(t, s, Service(), service.Vars{"NOTIFIER_PORT": "0"})
	p.Await("cannot follow the event store yet")
	p.Stop()
	if strings.Contains(p.Logs(), "NOTIFIER_PORT") {
		t.Error("clients were let in")
	}
}

func TestRun_LosesNothingOverARestartOfTheServer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	_, at := start(t, s, nil)
	ada, bob := joined(t, at, "ada"), joined(t, at, "bob")
	s.Restart() // before the first event
	a := begin(s, "ada")
	complete(s, a, "ada")
	ada.expectHeard(a.Saga, event.CodeCreated)
	b := begin(s, "bob")
	s.Restart()
	fail(s, b, "bob", event.CodeDeadlineExceeded, "")
	bob.expectHeard(b.Saga, event.CodeDeadlineExceeded)
}

func TestRun_AStopDeliversWhatWasEmitted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p, at := start(t, s, service.Vars{"NOTIFIER_AUTH": "off"})
	polling := newPoller(t, at)
	polling.do("POST", "40")
	polling.do("GET", "")
	polling.do("POST", `420["joinRoom","ada_Create_User"]`)
	if ack := polling.do("GET", ""); ack != `430[{"joined":true}]` {
		t.Fatalf("joinRoom is answered %s", ack)
	}
	ada := joined(t, at, "ada")
	a := begin(s, "ada")
	complete(s, a, "ada")
	ada.expectHeard(a.Saga, event.CodeCreated) // so it was emitted to the other, too

	p.Interrupt()
	if _, _, err := ada.conn.ReadMessage(); err == nil {
		t.Error("the connection was not ended")
	}
	// The server is closing now, and has waited for this one to come.
	if heard := polling.do("GET", ""); !strings.Contains(heard, `"Saga":"`+a.Saga+`"`) {
		t.Errorf("the one that polls heard %s", heard)
	}
	p.Stop()

	_, at = start(t, s, nil)
	joined(t, at, "ada").expectHeard(a.Saga, event.CodeCreated)
}

// Clients join at the very moment at which their outcome comes: each hears it,
// and once.
func TestRun_ACrowdThatJoinsMeanwhileHearsItsOutcomeOnce(t *testing.T) {
	t.Parallel()
	const crowd = 40
	s := newServer(t)
	_, at := start(t, s, nil)
	clients := make([]*client, crowd)
	for i := range clients {
		clients[i] = connect(t, at, sign(t, "ada"))
	}
	a := begin(s, "ada")
	var joining sync.WaitGroup
	for i, c := range clients {
		joining.Go(func() { c.say(`42["joinRoom","ada_Create_User"]`) }) // without an acknowledgement
		if i == crowd/2 {
			complete(s, a, "ada")
		}
	}
	joining.Wait()
	b := begin(s, "ada")
	for _, c := range clients {
		c.expectHeard(a.Saga, event.CodeCreated)
	}
	fail(s, b, "ada", event.CodeUserExists, "")
	for _, c := range clients {
		c.expectHeard(b.Saga, event.CodeUserExists) // and not the first again
	}
}

func TestRun_RefusesWrongSettings(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"NOTIFIER_AUTH":    "perhaps",
		"NOTIFIER_PORT":    "sesame",
		"NOTIFIER_ORIGINS": "example.com",
		"JWT_SECRET":       "short",
	} {
		t.Run(name, func(t *testing.T) {
			err := servicetest.Refuses(t, Service(), service.Vars{name: value})
			if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "sesame") {
				t.Error(err)
			}
		})
	}
	t.Run("a port that is taken", func(t *testing.T) {
		taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		_, port, err := net.SplitHostPort(taken.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		err = servicetest.Refuses(t, Service(), service.Vars{"NOTIFIER_PORT": port, "NATS_URL": newServer(t).URL()})
		if !strings.Contains(err.Error(), "NOTIFIER_PORT") {
			t.Error(err)
		}
	})
}
