package model_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
)

// wire is a NATS client that is connected to the test, which speaks the server's
// side of the protocol. A real server would not let the test deliver a message
// under a stream's subject to a consumer's inbox, as JetStream does.
type wire struct {
	client *nats.Conn
	take   func(*nats.Msg)

	mu   sync.Mutex
	conn net.Conn
	subs map[string]string // subject by id; guarded by mu, as are writes
}

func newWire(t *testing.T, take func(*nats.Msg)) *wire {
	t.Helper()
	w := &wire{take: take, subs: map[string]string{}}
	var done sync.WaitGroup
	client, err := nats.Connect("", nats.InProcessServer(dialer(func() (net.Conn, error) {
		ours, theirs := net.Pipe()
		w.conn = ours
		done.Go(func() { w.serve(t) })
		return theirs, nil
	})), nats.NoReconnect())
	must(t, err)
	w.client = client
	t.Cleanup(func() {
		client.Close()
		done.Wait()
	})
	return w
}

type dialer func() (net.Conn, error)

func (d dialer) InProcessConn() (net.Conn, error) { return d() }

// serve reads what the client sends until it closes.
func (w *wire) serve(t *testing.T) {
	defer func() { _ = w.conn.Close() }()
	w.write([]byte(`INFO {"server_id":"test","version":"2.15.2","headers":true,"max_payload":8388608,"proto":1}` + "\r\n"))
	in := bufio.NewReader(w.conn)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		if err := w.obey(in, strings.Fields(line)); err != nil {
			t.Errorf("read %q: %v", line, err)
			return
		}
	}
}

// obey does what a line of the protocol says.
func (w *wire) obey(in *bufio.Reader, f []string) error {
	switch f[0] {
	case "PING":
		w.write([]byte("PONG\r\n"))
	case "SUB":
		w.mu.Lock()
		w.subs[f[len(f)-1]] = f[1]
		w.mu.Unlock()
	case "UNSUB":
		w.mu.Lock()
		delete(w.subs, f[1])
		w.mu.Unlock()
	case "PUB", "HPUB":
		return w.published(in, f)
	}
	return nil
}

func (w *wire) published(in *bufio.Reader, f []string) error {
	size, err := strconv.Atoi(f[len(f)-1])
	if err != nil {
		return err
	}
	payload := make([]byte, size+2)
	if _, err := io.ReadFull(in, payload); err != nil {
		return err
	}
	msg, named := &nats.Msg{Subject: f[1], Data: payload[:size]}, 3 // the words of a line without a reply
	if f[0] == "HPUB" {
		head, err := strconv.Atoi(f[len(f)-2])
		if err != nil {
			return err
		}
		if msg.Header, err = nats.DecodeHeadersMsg(payload[:head]); err != nil {
			return err
		}
		msg.Data, named = payload[head:size], 4
	}
	if len(f) > named {
		msg.Reply = f[2]
	}
	w.take(msg)
	return nil
}

func (w *wire) write(data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = w.conn.Write(data) // a client that has gone needs none
}

// reply answers a message.
func (w *wire) reply(to *nats.Msg, header nats.Header, data string) {
	w.send(to.Reply, &nats.Msg{Subject: to.Reply, Header: header, Data: []byte(data)})
}

// send delivers a message to whoever listens to a subject.
func (w *wire) send(subject string, msg *nats.Msg) {
	var head bytes.Buffer
	head.WriteString("NATS/1.0\r\n")
	for name, values := range msg.Header {
		fmt.Fprintf(&head, "%s: %s\r\n", name, values[0])
	}
	head.WriteString("\r\n")
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, pattern := range w.subs {
		if prefix, wild := strings.CutSuffix(pattern, "*"); pattern == subject || wild && strings.HasPrefix(subject, prefix) {
			_, _ = fmt.Fprintf(w.conn, "HMSG %s %s %s %d %d\r\n%s%s\r\n",
				msg.Subject, id, msg.Reply, head.Len(), head.Len()+len(msg.Data), head.Bytes(), msg.Data)
		}
	}
}
