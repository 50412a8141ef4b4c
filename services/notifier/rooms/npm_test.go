package rooms

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

const npmFolder = "testdata/client"

// npm is a Node.js process with any number of socket.io-client clients.
type npm struct {
	t      testing.TB
	in     *json.Encoder
	events chan npmEvent
	kept   []npmEvent // came before they were awaited
	scene  string     // begins the name of each client
}

type npmEvent struct {
	Client, Event string
	Data          json.RawMessage
}

// command is what client.mjs is told.
type command struct {
	Do      string         `json:"do"`
	Client  string         `json:"client"`
	URL     string         `json:"url,omitempty"`
	Options map[string]any `json:"options,omitempty"`
	Event   string         `json:"event,omitempty"`
	Args    []any          `json:"args,omitempty"`
	Ack     bool           `json:"ack,omitempty"`
}

// install brings the npm client in place.
func install(t testing.TB) {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatalf("%s is missing; the tests of Socket.IO need Node.js 18 or later: apt-get install nodejs npm", program)
		}
	}
	_, err := os.Stat(filepath.Join(npmFolder, "node_modules", "socket.io-client"))
	if !errors.Is(err, fs.ErrNotExist) {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	ci := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund")
	ci.Dir = npmFolder
	if output, err := ci.CombinedOutput(); err != nil {
		t.Fatalf("the tests of Socket.IO need the npm client; run npm ci in services/notifier/rooms/%s: %v\n%s", npmFolder, err, output)
	}
}

// startNPM starts a process that ends with the test.
func startNPM(t testing.TB) *npm {
	t.Helper()
	cmd := exec.Command("node", "client.mjs")
	cmd.Dir = npmFolder
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("start node: %v", err)
	}
	n := &npm{t: t, in: json.NewEncoder(in), events: make(chan npmEvent, 10_000)} // room for what nobody awaits
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(n.events)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var e npmEvent
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("client.mjs printed %q", lines.Text())
			}
			n.events <- e
		}
	}()
	t.Cleanup(func() {
		_ = in.Close() // ends the process
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("node ended: %v", err)
		}
	})
	return n
}

// forTest has the clients that are begun now belong to one test: they end with it,
// and it alone hears of them.
func (n *npm) forTest(t testing.TB) *npm {
	t.Helper()
	one := &npm{t: t, in: n.in, events: n.events, scene: t.Name()}
	t.Cleanup(func() { one.tell(command{Do: "closeAll"}) })
	return one
}

func (n *npm) tell(c command) {
	n.t.Helper()
	c.Client = n.scene + c.Client
	if err := n.in.Encode(c); err != nil {
		n.t.Fatalf("client.mjs cannot be told: %v", err)
	}
}

// open begins a client that uses these transports, and waits until it is connected.
func (n *npm) open(client, url, token string, transports ...string) {
	n.t.Helper()
	n.begin(client, url, token, transports...)
	n.await(client, "connect")
}

func (n *npm) begin(client, url, token string, transports ...string) {
	n.t.Helper()
	options := map[string]any{"transports": transports}
	if token != "" {
		options["auth"] = map[string]string{"token": token}
	}
	n.tell(command{Do: "open", Client: client, URL: url, Options: options})
}

// ask emits with an acknowledgement, which it returns.
func (n *npm) ask(client, event string, args ...any) string {
	n.t.Helper()
	n.tell(command{Do: "emit", Client: client, Event: event, Args: args, Ack: true})
	return n.await(client, "ack")
}

// await returns the next event of that name, as JSON.
func (n *npm) await(client, event string) string {
	n.t.Helper()
	client = n.scene + client
	for i, e := range n.kept {
		if e.Client == client && e.Event == event {
			n.kept = append(n.kept[:i:i], n.kept[i+1:]...)
			return string(e.Data)
		}
	}
	late := time.After(enginetest.Patience)
	for {
		select {
		case e, running := <-n.events:
			if !running {
				n.t.Fatalf("node ended before client %s had %s", client, event)
			}
			if e.Client == client && e.Event == event {
				return string(e.Data)
			}
			n.kept = append(n.kept, e)
		case <-late:
			n.t.Fatalf("client %s had no %s; others had %s", client, event, n.kept)
		}
	}
}

func (n *npm) expect(client, event, want string) {
	n.t.Helper()
	if got := n.await(client, event); got != want {
		n.t.Fatalf("client %s had %s %s, want %s", client, event, got, want)
	}
}

// expectNo proves that no such event came before the answer to an invalid joinRoom.
func (n *npm) expectNo(client, event string) {
	n.t.Helper()
	if got := n.ask(client, "joinRoom"); got != `[{"error":"the room must be a string"}]` {
		n.t.Fatalf("joinRoom without a room was answered %s", got)
	}
	for _, e := range n.kept {
		if e.Client == n.scene+client && e.Event == event {
			n.t.Fatalf("client %s had %s %s", client, event, e.Data)
		}
	}
}
