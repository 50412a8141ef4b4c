package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// conn is one connection. One goroutine reads it and one writes it; both end
// with it.
type conn struct {
	ws         *websocket.Conn
	silence    time.Duration // after which the server is taken for dead
	maxPayload int           // bytes of one packet; 0: not said
	made       time.Time     // when it began
	wake       chan struct{} // holds one token when there is something to write
	ended      chan struct{} // closed once err is set

	mu    sync.Mutex
	err   error    // guarded by mu; why it ended
	queue [][]byte // guarded by mu; packets to write
	proof          // guarded by mu
}

func newConn(ws *websocket.Conn, o open, acks bool) *conn {
	return &conn{
		ws: ws, silence: o.silence(), maxPayload: o.MaxPayload, made: time.Now(),
		wake: make(chan struct{}, 1), ended: make(chan struct{}),
		proof: proof{byKey: map[string]*emission{}, acks: acks},
	}
}

// serve reads and writes until the connection or ctx ends, and returns why it ended.
func (c *conn) serve(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { c.end(ctx.Err()) })
	defer stop()
	c.ws.SetPongHandler(func(number string) error {
		c.pong(number)
		return c.alive()
	})
	var writing sync.WaitGroup
	writing.Go(func() { c.end(c.write()) })
	c.end(c.read())
	writing.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// end ends the connection and tells everybody who waits for proof. Only the first
// reason counts.
func (c *conn) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = why
	c.abandon(why)
	close(c.ended)
	_ = c.ws.Close() // ends the reader and the writer
}

// over reports whether the connection has ended.
func (c *conn) over() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// alive postpones the end of a silent connection.
func (c *conn) alive() error { return c.ws.SetReadDeadline(time.Now().Add(c.silence)) }

func (c *conn) read() error {
	for {
		if err := c.alive(); err != nil {
			return err
		}
		kind, packet, err := c.ws.ReadMessage()
		if err != nil {
			return fmt.Errorf("read from the server: %w", err)
		}
		if kind == websocket.TextMessage {
			if err := c.receive(string(packet)); err != nil {
				return err
			}
		}
	}
}

// receive takes a packet of the server. Its events are for others.
func (c *conn) receive(packet string) error {
	switch {
	case packet == string(enginePing):
		c.enqueue([]byte(enginePong))
	case strings.HasPrefix(packet, packetAck):
		c.acknowledge(packet[len(packetAck):])
	case packet == string(engineClose), strings.HasPrefix(packet, packetDisconnect):
		return errors.New("the server has ended the connection")
	}
	return nil
}

// enqueue has a packet written behind those that wait.
func (c *conn) enqueue(packet []byte) {
	c.mu.Lock()
	c.queue = append(c.queue, packet)
	c.mu.Unlock()
	c.stir()
}

// stir wakes the writer.
func (c *conn) stir() {
	select {
	case c.wake <- struct{}{}:
	default: // one token is enough
	}
}

// write writes what is queued, and a ping behind it when that is due.
func (c *conn) write() error {
	for {
		select {
		case <-c.wake:
		case <-c.ended:
			return nil
		}
		packets, ping := c.due()
		deadline := time.Now().Add(c.silence)
		if err := c.ws.SetWriteDeadline(deadline); err != nil {
			return fmt.Errorf("write to the server: %w", err)
		}
		for _, packet := range packets {
			if err := c.ws.WriteMessage(websocket.TextMessage, packet); err != nil {
				return fmt.Errorf("write to the server: %w", err)
			}
		}
		if ping == 0 {
			continue
		}
		if err := c.ws.WriteControl(websocket.PingMessage, []byte(strconv.FormatUint(ping, 10)), deadline); err != nil {
			return fmt.Errorf("ping the server: %w", err)
		}
	}
}

// due takes what is to be written, and the number of a ping to write behind it;
// 0 for none.
func (c *conn) due() (packets [][]byte, ping uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	packets, c.queue = c.queue, nil
	return packets, c.nextPing()
}

// emit sends an event unless it is under way already, and waits for proof that
// the server has it.
func (c *conn) emit(ctx context.Context, key, name string, payload any) error {
	e, err := c.send(key, name, payload)
	if err != nil {
		return err
	}
	select {
	case <-e.proven:
	case <-ctx.Done():
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.conclude(key, e, ctx.Err())
}

func (c *conn) send(key, name string, payload any) (*emission, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	if e := c.byKey[key]; e != nil {
		return e, nil
	}
	arguments, err := json.Marshal([]any{name, payload})
	if err != nil {
		return nil, fmt.Errorf("encode the event: %w", err)
	}
	packet := append([]byte(packetEvent+strconv.FormatUint(c.sent+1, 10)), arguments...)
	if c.maxPayload > 0 && len(packet) > c.maxPayload {
		return nil, ErrTooLarge
	}
	c.queue = append(c.queue, packet)
	c.stir()
	return c.begin(key), nil
}

// pong takes the answer to a ping.
func (c *conn) pong(number string) {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return // no answer to one of ours
	}
	c.mu.Lock()
	c.answered(n)
	c.mu.Unlock()
	c.stir()
}

// acknowledge takes <id>[…]. A first argument of false says that nobody hears the
// event; any other, and none, that it has arrived.
func (c *conn) acknowledge(packet string) {
	id, arguments, _ := strings.Cut(packet, "[")
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return
	}
	var list []any
	if json.Unmarshal([]byte("["+arguments), &list) == nil && len(list) > 0 && list[0] == false {
		err = ErrNotHeard
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.acknowledged(n, err)
}
