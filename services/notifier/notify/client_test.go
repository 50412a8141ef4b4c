package notify

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// patience is how long a client waits for what must come.
const patience = 20 * time.Second

// client speaks as much Socket.IO as these tests need, over a websocket. The
// real clients are tried in the rooms package.
type client struct {
	t    testing.TB
	conn *websocket.Conn
}

// connect connects a client with a token to a notifier.
func connect(t testing.TB, address, tok string) *client {
	t.Helper()
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+address+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	c := &client{t: t, conn: conn}
	c.expect("0{") // the handshake
	c.say("40" + encode(t, map[string]string{"token": tok}))
	c.expect("40{")
	return c
}

func encode(t testing.TB, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (c *client) say(packet string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(packet)); err != nil {
		c.t.Fatalf("say %.20s: %v", packet, err)
	}
}

// expect returns the next packet without its head, which must be this.
func (c *client) expect(head string) string {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	for {
		_, packet, err := c.conn.ReadMessage()
		if err != nil {
			c.t.Fatalf("wait for a packet %s…: %v", head, err)
		}
		if string(packet) == "2" { // a ping
			c.say("3")
			continue
		}
		rest, ok := strings.CutPrefix(string(packet), head)
		if !ok {
			c.t.Fatalf("the packet is %.80s, want %s…", packet, head)
		}
		return rest
	}
}

// join joins the room of a user and returns the acknowledgement.
func (c *client) join(id string) string {
	c.t.Helper()
	c.say("420" + encode(c.t, []string{"joinRoom", id + "_Create_User"}))
	return c.expect("430")
}

// hear returns the next outcome.
func (c *client) hear() rooms.Message {
	c.t.Helper()
	var args []json.RawMessage
	var m rooms.Message
	packet := c.expect("42")
	if err := json.Unmarshal([]byte(packet), &args); err != nil || len(args) != 2 || string(args[0]) != `"Profile_Response"` {
		c.t.Fatalf("heard %s", packet)
	}
	if err := json.Unmarshal(args[1], &m); err != nil {
		c.t.Fatalf("heard %s", packet)
	}
	return m
}

// expectHeard fails unless the next outcome is that of a saga, with code.
func (c *client) expectHeard(sagaID string, code event.Code) {
	c.t.Helper()
	if got, want := c.hear(), message(sagaID, code); got != want {
		c.t.Errorf("heard %+v, want %+v", got, want)
	}
}

// poller is a client that polls.
type poller struct {
	t   testing.TB
	url string
}

func newPoller(t testing.TB, address string) *poller {
	t.Helper()
	p := &poller{t: t, url: "http://" + address + "/socket.io/?EIO=4&transport=polling"}
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(strings.TrimPrefix(p.do(http.MethodGet, ""), "0")), &handshake); err != nil {
		t.Fatal(err)
	}
	p.url += "&sid=" + handshake.SID
	return p
}

// do polls, or says packets, and returns the answer.
func (p *poller) do(method, packets string) string {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.url, strings.NewReader(packets))
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatalf("%s: %v", method, err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: status %d, error %v", method, answer.StatusCode, err)
	}
	return string(text)
}
