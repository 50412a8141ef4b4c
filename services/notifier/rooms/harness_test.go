package rooms

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/services/notifier/rooms/internal/enginetest"
)

// harness is a server with its URL and its log.
type harness struct {
	*Server
	t   testing.TB
	url string
	log *lockedBuffer
}

// start serves rooms until the test ends.
func start(t testing.TB, opts Options) *harness {
	t.Helper()
	h := &harness{t: t, log: new(lockedBuffer)}
	opts.Logger = zerolog.New(h.log).Level(opts.Logger.GetLevel())
	srv, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = srv
	h.url = enginetest.Serve(t, srv.Handler())
	t.Cleanup(h.cutOff)
	return h
}

// cutOff closes the server without regard for its clients.
func (h *harness) cutOff() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = h.Close(ctx) // the error says that clients were cut off, as meant
}

// connect makes a Socket.IO client on a websocket.
func (h *harness) connect(token any) *wire {
	h.t.Helper()
	w, _ := enginetest.OpenWebsocket(h.t, h.url)
	c := &wire{Websocket: w, t: h.t}
	c.Say("40" + encode(map[string]any{"token": token}))
	if answer := c.Next(); !strings.HasPrefix(answer, `40{"sid":"`) {
		h.t.Fatalf("connect was answered %q", answer)
	}
	return c
}

// wire is a Socket.IO client that a test speaks packet by packet.
type wire struct {
	*enginetest.Websocket
	t testing.TB
}

// join joins the room of a user.
func (c *wire) join(id string) {
	c.t.Helper()
	c.Say(`420["joinRoom",` + encode(id+suffix) + `]`)
	c.Expect(`430[{"joined":true}]`)
}

// hear reads the next packet, which must be this message.
func (c *wire) hear(want Message) {
	c.t.Helper()
	if diff := cmp.Diff(want, c.hears()); diff != "" {
		c.t.Fatalf("heard something else (-want +got):\n%s", diff)
	}
}

func (c *wire) hears() Message {
	c.t.Helper()
	return parseProfileResponse(c.t, c.Next())
}

func parseProfileResponse(t testing.TB, packet string) Message {
	t.Helper()
	var event [2]json.RawMessage
	var m Message
	body, found := strings.CutPrefix(packet, "42")
	if !found || json.Unmarshal([]byte(body), &event) != nil || string(event[0]) != `"Profile_Response"` || json.Unmarshal(event[1], &m) != nil {
		t.Fatalf("packet %.200q is no Profile_Response", packet)
	}
	return m
}

// expectNothing proves that nothing was sent before the answer to an invalid joinRoom.
func (c *wire) expectNothing() {
	c.t.Helper()
	c.Say(`429["joinRoom",0]`)
	c.Expect(`439[{"error":"the room must be a string"}]`)
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func created(saga string) Message {
	return Message{Message: "User created successfully", Status: true, Code: "created", Saga: saga}
}

func refused(saga string) Message {
	return Message{Message: "The verification code is incorrect", Code: "code_incorrect", Saga: saga}
}

// args are the arguments of joinRoom for the room of a user.
func args(id string) []json.RawMessage {
	return []json.RawMessage{json.RawMessage(encode(id + suffix))}
}
