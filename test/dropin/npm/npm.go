// Package npm lets Go tests use the parts around the replaced service as its
// neighbours use them: the real npm libraries, in Node.js.
package npm

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/create-user/create-user/test/parts"
)

// Patience is how long anything may take before a test gives up on it.
const Patience = 60 * time.Second

// Script is a running script of this folder, which is told what to do on its
// standard input and prints what comes of it. It is safe for concurrent use.
type Script struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when all its output is read

	mu      sync.Mutex
	in      io.WriteCloser        // guarded by mu
	last    int                   // number of the last command; guarded by mu
	answers map[int]chan<- Answer // by number of the command; guarded by mu
	events  map[string][]Event    // everything so far, by whose it is; guarded by mu
	news    chan struct{}         // closed and renewed at each event; guarded by mu
}

// Event is something that happened by itself.
type Event struct {
	Of    string            `json:"of"` // whose it is, as the test named it
	Event string            `json:"event"`
	Args  []json.RawMessage `json:"args"`
}

// Answer is what came of a command.
type Answer struct {
	Value json.RawMessage
	Error string
}

// Start starts a script; it ends with the test.
func Start(t testing.TB, name string, args ...string) *Script {
	t.Helper()
	folder := folder(t)
	s, err := start(parts.Node(t, folder), folder, name, args)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	return s
}

func start(node, folder, name string, args []string) (*Script, error) {
	cmd := exec.CommandContext(context.Background(), node, append([]string{name}, args...)...) // ended by its input
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	s := &Script{
		cmd: cmd, in: in, answers: map[int]chan<- Answer{}, events: map[string][]Event{},
		news: make(chan struct{}), done: make(chan struct{}),
	}
	go s.read(out)
	return s, nil
}

// shared is one script for all tests of a binary: Node.js takes its time to
// start. It ends with the binary, which closes its input.
//
//nolint:gochecknoglobals // see above
var shared struct {
	sync.Once
	script *Script
}

// Shared returns the bull.js that all tests of this binary share.
func Shared(t testing.TB) *Script {
	t.Helper()
	shared.Do(func() {
		folder := folder(t)
		var err error
		if shared.script, err = start(parts.Node(t, folder), folder, "bull.js", nil); err != nil {
			t.Fatal(err)
		}
	})
	if shared.script == nil {
		t.Fatal("bull.js has not started")
	}
	return shared.script
}

// folder returns the folder of the scripts.
func folder(t testing.TB) string {
	t.Helper()
	at, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			return filepath.Join(at, "test", "dropin", "npm")
		}
		if parent := filepath.Dir(at); parent != at {
			at = parent
			continue
		}
		t.Fatal("no go.work above the test's folder")
	}
}

// end lets the script end: it does with its input.
func (s *Script) end() {
	s.mu.Lock()
	_ = s.in.Close()
	s.mu.Unlock()
	<-s.done
	_ = s.cmd.Wait() // a killed one has not ended well
}

// Kill ends the script as kill -9 does.
func (s *Script) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.done
}

// read takes what the script prints until its end.
func (s *Script) read(out io.Reader) {
	defer close(s.done)
	lines := bufio.NewReader(out) // no Scanner: a line may be of any length
	for {
		text, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var line struct {
			N int
			Answer
			Event
		}
		if err := json.Unmarshal(text, &line); err != nil {
			fmt.Fprintf(os.Stderr, "a script printed %q\n", text)
			continue
		}
		s.mu.Lock()
		if to, ok := s.answers[line.N]; ok {
			delete(s.answers, line.N)
			to <- line.Answer
		} else {
			s.events[line.Of] = append(s.events[line.Of], line.Event)
			close(s.news)
			s.news = make(chan struct{})
		}
		s.mu.Unlock()
	}
}

// Do tells the script to do op with what the test has named of, and decodes what
// it answers into to unless that is nil.
func (s *Script) Do(t testing.TB, to any, of, op string, args ...any) {
	t.Helper()
	select {
	case got := <-s.Begin(t, of, op, args...):
		if got.Error != "" {
			t.Fatalf("%s: %s", op, got.Error)
		}
		if to != nil {
			if err := json.Unmarshal(got.Value, to); err != nil {
				t.Fatalf("%s answers %s: %v", op, got.Value, err)
			}
		}
	case <-s.done:
		t.Fatalf("%s: the script has ended", op)
	case <-time.After(Patience):
		t.Fatalf("%s: no answer within %s", op, Patience)
	}
}

// Begin tells the script to do op and does not wait for its answer.
func (s *Script) Begin(t testing.TB, of, op string, args ...any) <-chan Answer {
	t.Helper()
	to := make(chan Answer, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.answers[s.last] = to
	line, err := json.Marshal(map[string]any{"n": s.last, "of": of, "op": op, "args": append([]any{}, args...)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.in.Write(append(line, '\n')); err != nil {
		t.Fatalf("tell a script: %v", err)
	}
	return to
}

// Events returns what has happened so far to what the test has named of, and a
// channel that is closed when more happens.
func (s *Script) Events(of string) ([]Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.events[of]
	return events[:len(events):len(events)], s.news
}

// Await waits until what has happened to what the test has named of satisfies ok.
func (s *Script) Await(t testing.TB, of, what string, ok func([]Event) bool) {
	t.Helper()
	timeout := time.After(Patience)
	for {
		events, news := s.Events(of)
		if ok(events) {
			return
		}
		select {
		case <-news:
		case <-timeout:
			last, _ := json.Marshal(events[max(0, len(events)-20):])
			t.Fatalf("not within %s: %s; %d events so far, the last: %s", Patience, what, len(events), last)
		}
	}
}
