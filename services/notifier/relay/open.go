package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// The first bytes of the packets that this client reads or writes. Sources: the
// protocols of Engine.IO (revision 4) and Socket.IO (revision 5), socket.io/docs.
const (
	engineOpen  = '0'
	engineClose = '1'
	enginePing  = '2'
	enginePong  = "3"

	packetConnect      = "40"
	packetDisconnect   = "41"
	packetEvent        = "42"
	packetAck          = "43"
	packetConnectError = "44"
)

// open is the body of the packet by which a server opens a connection.
type open struct {
	PingInterval int `json:"pingInterval"` // milliseconds
	PingTimeout  int `json:"pingTimeout"`  // milliseconds
	MaxPayload   int `json:"maxPayload"`   // bytes
}

// maxSilence bounds what a server may say of its own heartbeat.
const maxSilence = 5 * time.Minute

// silence is how long the server may be silent before it is taken for dead.
func (o open) silence() time.Duration {
	d := time.Duration(o.PingInterval+o.PingTimeout) * time.Millisecond
	if d <= 0 || d > maxSilence {
		return maxSilence
	}
	return d
}

// maxPacket bounds what the server may send at once. Nothing is expected but
// small packets.
const maxPacket = 16 << 20

// open makes a connection up to the point where events may be sent.
func (c *Client) open(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	ws, answer, err := c.dialer.DialContext(ctx, c.endpoint, nil)
	if err != nil {
		if answer != nil {
			return nil, fmt.Errorf("%w: it answers %s", err, answer.Status)
		}
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() }) // ends the reads below
	defer stop()
	ws.SetReadLimit(maxPacket)
	opened, err := c.greet(ws)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = ws.Close()
		return nil, err
	}
	return newConn(ws, opened, c.opts.Acks), nil
}

// greet exchanges the packets that begin a connection.
func (c *Client) greet(ws *websocket.Conn) (open, error) {
	var opened open
	first, err := read(ws)
	if err != nil {
		return opened, err
	}
	if len(first) == 0 || first[0] != engineOpen || json.Unmarshal(first[1:], &opened) != nil {
		return opened, errors.New("what answers is no Socket.IO 4 server")
	}
	hello := []byte(packetConnect)
	if c.opts.Token != "" {
		auth, err := json.Marshal(map[string]string{"token": c.opts.Token})
		if err != nil {
			return opened, fmt.Errorf("encode the token: %w", err)
		}
		hello = append(hello, auth...)
	}
	if err := ws.WriteMessage(websocket.TextMessage, hello); err != nil {
		return opened, fmt.Errorf("greet the server: %w", err)
	}
	return opened, await(ws)
}

// await waits for the server's consent. It may ask for a sign of life before.
func await(ws *websocket.Conn) error {
	for {
		packet, err := read(ws)
		switch {
		case err != nil:
			return err
		case bytes.HasPrefix(packet, []byte(packetConnect)):
			return nil
		case bytes.HasPrefix(packet, []byte(packetConnectError)):
			return fmt.Errorf("the server refuses the connection: %.200s", packet[len(packetConnectError):])
		case len(packet) == 1 && packet[0] == enginePing:
			if err := ws.WriteMessage(websocket.TextMessage, []byte(enginePong)); err != nil {
				return fmt.Errorf("answer a ping: %w", err)
			}
		}
	}
}

// read returns the next packet.
func read(ws *websocket.Conn) ([]byte, error) {
	_, packet, err := ws.ReadMessage()
	if err != nil {
		return nil, fmt.Errorf("read from the server: %w", err)
	}
	return packet, nil
}
