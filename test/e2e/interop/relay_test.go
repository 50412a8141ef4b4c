package interop

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/notifier/notify"
)

// profile is what the npm server was given.
type profile struct {
	ID        string `json:"Id"`
	Message   string
	Status    bool
	Listeners int
}

// messages is the messages server that is there already, through its restarts.
type messages struct {
	t      testing.TB
	port   string
	ack    []string
	server *script
	before []profile // what earlier servers were given
}

func newMessages(t testing.TB, ack ...string) *messages {
	t.Helper()
	m := &messages{t: t, port: port(t), ack: ack}
	m.start()
	return m
}

func (m *messages) start() {
	m.t.Helper()
	m.server = node(m.t, "profile-server.mjs", append([]string{m.port}, m.ack...)...)
	m.server.awaitLine("listening")
}

func (m *messages) kill() {
	m.server.kill()
	m.before = m.profiles()
	m.server = nil
}

func (m *messages) url() string { return "http://127.0.0.1:" + m.port }

// profiles returns what all servers so far were given.
func (m *messages) profiles() []profile {
	m.t.Helper()
	all := m.before[:len(m.before):len(m.before)]
	lines, _ := m.server.printed()
	return append(all, parse(m.t, lines)...)
}

func parse(t testing.TB, lines []string) []profile {
	t.Helper()
	var all []profile
	for _, line := range lines[1:] { // behind "listening"
		var p profile
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatalf("the server printed %q", line)
		}
		all = append(all, p)
	}
	return all
}

// await waits until the present server was given n.
func (m *messages) await(n int) {
	m.t.Helper()
	m.server.await(fmt.Sprintf("%d outcomes", n), func(lines []string) bool { return len(lines) > n })
}

// awaitUsers waits until servers were given something for so many users.
func (m *messages) awaitUsers(n int) {
	m.t.Helper()
	m.server.await(fmt.Sprintf("%d users", n), func(lines []string) bool {
		return len(lines) >= 1 && len(byUser(append(m.before[:len(m.before):len(m.before)], parse(m.t, lines)...))) >= n
	})
}

func byUser(all []profile) map[string][]profile {
	users := map[string][]profile{}
	for _, p := range all {
		users[p.ID] = append(users[p.ID], p)
	}
	return users
}

// port returns a port that a server may be restarted on: below those of outgoing
// connections, so that none takes it while the server is away.
func port(t testing.TB) string {
	t.Helper()
	for range 20 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return ""
}

// relay starts a notifier that relays to the messages server.
func (m *messages) relay(s *sagatest.Server) *servicetest.Process {
	m.t.Helper()
	return servicetest.Start(m.t, s, notify.Service(), service.Vars{
		"NOTIFIER_RELAY_URL": m.url(), "NOTIFIER_RELAY_SETTLE": "300ms", "LOG_LEVEL": "info",
	})
}

// end stores the outcome of a registration: every fourth user's failed.
func end(t testing.TB, s *sagatest.Server, user int) {
	t.Helper()
	id := fmt.Sprintf("user-%d", user)
	body := event.NewEnded(id, event.StepCodeDeleter, event.CodeCreated)
	if user%4 == 3 {
		body = event.NewEnded(id, event.StepTokenVerifier, event.CodeSessionExpired)
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	key := s.Key(id)
	meta := event.Meta{
		ID: key.Saga, Source: "/create-user/interop", Type: body.EventType(),
		Time: time.Now(), Saga: key.Saga, Deadline: time.Now().Add(time.Minute),
	}
	if err := s.Store().Append(t.Context(), meta, key, data, 0); err != nil {
		t.Fatal(err)
	}
}

// check fails the test unless every user's outcome was given, as it was.
func (m *messages) check(users int) (twice int) {
	m.t.Helper()
	all := byUser(m.profiles())
	for user := range users {
		code := event.CodeCreated
		if user%4 == 3 {
			code = event.CodeSessionExpired
		}
		id := fmt.Sprintf("user-%d_Create_User", user)
		if len(all[id]) == 0 {
			m.t.Errorf("%s: lost", id)
		}
		for _, p := range all[id] {
			if p.Message != code.Message() || p.Status != (code == event.CodeCreated) {
				m.t.Errorf("%s was given %+v", id, p)
			}
		}
		twice += max(0, len(all[id])-1)
	}
	if len(all) != users {
		m.t.Errorf("outcomes of %d users were given, want %d", len(all), users)
	}
	return twice
}

func TestRelay_ManyNotifiersShareTheWorkAndGiveEachOutcomeOnce(t *testing.T) {
	t.Parallel()
	for _, ack := range []string{"plain", "ack"} {
		t.Run(ack, func(t *testing.T) {
			t.Parallel()
			const users = 400
			s := sagatest.New(t, event.StepNotifier)
			m := newMessages(t, ack)
			var heard *script
			if ack == "ack" { // it acknowledges what somebody hears
				ids := []string{m.url()}
				for user := range users {
					ids = append(ids, fmt.Sprintf("user-%d", user))
				}
				heard = node(t, "listener.mjs", ids...)
				heard.await("all listeners", func(lines []string) bool { return len(lines) >= users })
			}
			first := m.relay(s)
			m.relay(s)
			for user := range users {
				end(t, s, user)
				if user == users/2 {
					first.Stop() // what it has in hand, the other takes
				}
			}
			m.awaitUsers(users)
			if twice := m.check(users); twice > 0 {
				t.Errorf("%d were given twice", twice)
			}
			if heard != nil {
				heard.await("all outcomes", func(lines []string) bool { return len(lines) >= 2*users })
			}
		})
	}
}

// The scene of the replaced job's worst day: 2,000 outcomes while the messages
// server is killed, is away, is frozen, and is told to stop; and notifiers come and go.
func TestRelay_LosesNothingWhileTheServerComesAndGoes(t *testing.T) {
	t.Parallel()
	const users = 2000
	s := sagatest.New(t, event.StepNotifier)
	m := newMessages(t)
	user := 0
	next := func(n int) {
		for range n {
			end(t, s, user)
			user++
		}
	}

	next(600) // so that there is much to do
	first := m.relay(s)
	m.relay(s)
	m.await(100)
	m.kill() // with outcomes on their way
	next(300)
	m.start()
	m.await(50)
	first.Stop() // and another takes its place
	m.server.signal(syscall.SIGSTOP)
	m.relay(s)
	next(200)
	m.server.signal(syscall.SIGCONT)
	m.await(200)

	for range 3 { // one that crashes again and again
		m.kill()
		next(200)
		m.start()
		m.await(10)
	}
	next(users - user)
	m.awaitUsers(users)
	t.Logf("%d were given twice, over four crashes", m.check(users))
}

func TestRelay_WaitsUntilTheServersClientsAreBack(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	m := newMessages(t)
	heard := node(t, "listener.mjs", m.url(), "user-0")
	heard.awaitLine(`{"joined":"user-0"}`)
	p := servicetest.Start(t, s, notify.Service(), service.Vars{"NOTIFIER_RELAY_URL": m.url(), "NOTIFIER_RELAY_SETTLE": "10s"})
	p.Await(`"connected to the Socket.IO server"`)
	m.kill()
	end(t, s, 0)
	m.start()
	heard.awaitLine(`{"id":"user-0","Message":"User created successfully","Status":true}`)
	m.awaitUsers(1) // its own word may come later than the client's
	if all := m.profiles(); len(all) != 1 || all[0].Listeners != 1 {
		t.Errorf("the server was given %+v", all)
	}
}
