package system

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/create-user/create-user/test/chaos/invariants"
)

// Listeners is a process full of npm socket.io clients, one for each user who
// listens. It is safe for concurrent use.
type Listeners struct {
	cmd   *exec.Cmd
	done  chan struct{} // closed when all was read
	write sync.Mutex
	stdin io.WriteCloser // guarded by write

	mu      sync.Mutex
	heard   map[string][]invariants.Outcome // by Id; guarded by mu
	times   []time.Time                     // of everything heard; guarded by mu
	odd     []string                        // what could not be read; guarded by mu
	refused map[string]string               // who is not in the room, and why; by Id; guarded by mu
	open    int                             // clients that have not left; guarded by mu
	served  []served                        // those that have heard, oldest first; guarded by mu
}

// served is a client that has heard an outcome.
type served struct {
	id   string
	when time.Time
}

const (
	// maxOpen is how many clients stay connected: each costs two connections here,
	// and processes may open only so many.
	maxOpen = 4000
	// stayTime is how long a client listens on after it has heard, at least.
	stayTime = 10 * time.Second
)

// Listen starts npm clients of the Socket.IO server at url.
func Listen(ctx context.Context, url string) (*Listeners, error) {
	root, err := Repository()
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(root, "test", "e2e", "harness", "client")
	node, err := Node(ctx, folder)
	if err != nil {
		return nil, err
	}
	l := &Listeners{done: make(chan struct{}), heard: map[string][]invariants.Outcome{}, refused: map[string]string{}}
	l.cmd = exec.Command(node, "listen.js", url) // it ends with its input
	l.cmd.Dir, l.cmd.Stderr = folder, os.Stderr
	if l.stdin, err = l.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the npm clients: %w", err)
	}
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the npm clients: %w", err)
	}
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the npm clients: %w", err)
	}
	go func() { // Close waits for it
		defer close(l.done)
		l.read(stdout)
	}()
	return l, nil
}

// Node returns the path of Node.js once the packages of folder, which holds a
// package-lock.json, are installed.
func Node(ctx context.Context, folder string) (string, error) {
	node, err := Find("node", "apt-get install -y nodejs npm")
	if err != nil {
		return "", err
	}
	// npm writes this file last.
	if _, err := os.Stat(filepath.Join(folder, "node_modules", ".package-lock.json")); err == nil {
		return node, nil
	}
	return node, run(ctx, folder, os.Environ(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
}

// Join opens a client for a user. It is in its room some time later, and again
// whenever its connection was lost. When many are open, the one that has heard
// its outcome longest ago leaves.
func (l *Listeners) Join(id, token string) error {
	if leaver, ok := l.makeRoom(); ok {
		if err := l.send(map[string]any{"op": "leave", "id": leaver}); err != nil {
			return err
		}
	}
	return l.send(map[string]any{"op": "join", "id": id, "token": token, "transports": []string{"websocket"}})
}

// makeRoom counts a client in, and returns one that must leave for it.
func (l *Listeners) makeRoom() (leaver string, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open++
	if l.open <= maxOpen || len(l.served) == 0 || time.Since(l.served[0].when) < stayTime {
		return "", false
	}
	leaver, l.served = l.served[0].id, l.served[1:]
	l.open--
	return leaver, true
}

func (l *Listeners) send(command map[string]any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return fmt.Errorf("tell the npm clients: %w", err)
	}
	l.write.Lock()
	defer l.write.Unlock()
	if _, err := l.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("tell the npm clients: %w", err)
	}
	return nil
}

func (l *Listeners) read(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var r struct {
			ID    string          `json:"id"`
			Event string          `json:"event"`
			Data  json.RawMessage `json:"data"`
		}
		var o invariants.Outcome
		err := json.Unmarshal(lines.Bytes(), &r)
		if err == nil && r.Event == "outcome" {
			err = json.Unmarshal(r.Data, &o)
		}
		l.mu.Lock()
		switch {
		case err != nil:
			l.odd = append(l.odd, fmt.Sprintf("the clients printed %q", lines.Text()))
		case r.Event == "refused":
			l.refused[r.ID] = string(r.Data)
		case r.Event == "joined":
			delete(l.refused, r.ID) // it was in between two connections
		case r.Event == "outcome":
			if len(l.heard[r.ID]) == 0 {
				l.served = append(l.served, served{r.ID, time.Now()})
			}
			l.heard[r.ID] = append(l.heard[r.ID], o)
			l.times = append(l.times, time.Now())
		}
		l.mu.Unlock()
	}
}

// Heard returns what each user has heard so far, in order.
func (l *Listeners) Heard() map[string][]invariants.Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string][]invariants.Outcome, len(l.heard))
	for id, list := range l.heard {
		all[id] = slices.Clone(list)
	}
	return all
}

// Times returns when something was heard, in order.
func (l *Listeners) Times() []time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.times)
}

// Odd returns what was heard that no client should hear, and who was refused its
// room and is not in it.
func (l *Listeners) Odd() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.Clone(l.odd)
	for id, why := range l.refused {
		all = append(all, fmt.Sprintf("the notifier refused user %s: %s", id, why))
	}
	slices.Sort(all)
	return all
}

// Close ends the clients.
func (l *Listeners) Close() {
	l.write.Lock()
	_ = l.stdin.Close() // the script ends with its input
	l.write.Unlock()
	<-l.done
	_ = l.cmd.Wait()
}
