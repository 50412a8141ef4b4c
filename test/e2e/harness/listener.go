package harness

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/test/parts"
)

// hearTime is how long an outcome may take to be heard before the test gives up.
const hearTime = 60 * time.Second

// Heard is a Profile_Response.
type Heard struct {
	Message string
	Status  bool
	Code    string
	Saga    string
}

// Report is a line that the npm clients print.
type Report struct {
	ID    string          `json:"id"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// Listener is a process full of npm socket.io clients.
type Listener struct {
	t     testing.TB
	stdin io.WriteCloser

	mu      sync.Mutex
	changed chan struct{}       // closed and renewed at each report; guarded by mu
	reports map[string][]Report // by user; guarded by mu
}

// Listen starts npm clients of the Socket.IO server at url.
func Listen(t testing.TB, url string) *Listener {
	t.Helper()
	root, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "test", "e2e", "harness", "client")
	cmd := exec.CommandContext(context.Background(), parts.Node(t, folder), "listen.js", url) // ended by its input
	cmd.Dir = folder
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start the npm clients: %v", err)
	}
	l := &Listener{t: t, stdin: stdin, changed: make(chan struct{}), reports: map[string][]Report{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.read(stdout)
	}()
	t.Cleanup(func() {
		_ = stdin.Close() // the script ends with its input
		<-done
		_ = cmd.Wait()
	})
	return l
}

func (l *Listener) read(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var r Report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			l.t.Errorf("the npm clients printed %q", lines.Text())
			continue
		}
		l.mu.Lock()
		l.reports[r.ID] = append(l.reports[r.ID], r)
		close(l.changed)
		l.changed = make(chan struct{})
		l.mu.Unlock()
	}
}

// Send sends a command to the npm clients; see client/listen.js.
func (l *Listener) Send(command map[string]any) {
	l.t.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.stdin.Write(append(line, '\n')); err != nil {
		l.t.Fatalf("tell the npm clients: %v", err)
	}
}

// Join opens a client for a user and waits until it is in its room.
func (l *Listener) Join(id, token string, transports ...string) {
	l.t.Helper()
	if len(transports) == 0 {
		transports = []string{"websocket"}
	}
	l.Send(map[string]any{"op": "join", "id": id, "token": token, "transports": transports})
	l.Wait(id, "joined", 1)
}

// Leave closes a user's client.
func (l *Listener) Leave(id string) {
	l.t.Helper()
	l.Send(map[string]any{"op": "leave", "id": id})
}

// Wait waits for the nth report of a kind about a user and returns it.
func (l *Listener) Wait(id, kind string, n int) Report {
	l.t.Helper()
	timeout := time.After(hearTime)
	for {
		l.mu.Lock()
		matching := l.matching(id, kind)
		changed := l.changed
		l.mu.Unlock()
		if len(matching) >= n {
			return matching[n-1]
		}
		select {
		case <-changed:
		case <-timeout:
			l.t.Fatalf("user %.40q: no %q number %d within %s", id, kind, n, hearTime)
		}
	}
}

// matching returns the reports of a kind about a user. The caller holds mu.
func (l *Listener) matching(id, kind string) []Report {
	var list []Report
	for _, r := range l.reports[id] {
		if r.Event == kind {
			list = append(list, r)
		}
	}
	return list
}

// Hear waits for the nth outcome that a user hears.
func (l *Listener) Hear(id string, n int) Heard {
	l.t.Helper()
	return parseHeard(l.t, l.Wait(id, "outcome", n))
}

// Heard returns everything that a user has heard so far.
func (l *Listener) Heard(id string) []Heard {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var list []Heard
	for _, r := range l.matching(id, "outcome") {
		list = append(list, parseHeard(l.t, r))
	}
	return list
}

func parseHeard(t testing.TB, r Report) Heard {
	t.Helper()
	var h Heard
	if err := json.Unmarshal(r.Data, &h); err != nil {
		t.Fatalf("outcome %s: %v", r.Data, err)
	}
	return h
}
