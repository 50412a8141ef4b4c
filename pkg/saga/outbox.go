package saga

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/v1"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// appender sends appends and tells what became of them. One goroutine uses it.
type appender interface {
	// reset forgets the appends so far: nobody waits for them any more.
	reset()
	// begin sends the append of an event behind the event at sequence after, and
	// returns its number.
	begin(m event.Meta, k event.Key, data []byte, after uint64) (uint64, error)
	// wait waits until the append with this number is acknowledged. Its error is the
	// store's refusal, or says that the acknowledgement will not come.
	wait(ctx context.Context, n uint64) error
}

// outbox is where a loop's appends are acknowledged. An append has a number,
// which stands at the end of the subject that its acknowledgement comes to. The
// client library's asynchronous publishing has a future, a timer and a map's entry
// for each, and reads each acknowledgement by reflection: an eighth of what a
// runner spent.
type outbox struct {
	conn    *nats.Conn
	sub     *nats.Subscription
	arrived chan *nats.Msg
	broken  chan nats.Status // the connection broke: acknowledgements under way are lost
	replies string           // prefix of the subjects that appends are acknowledged on
	header  *appendHeader    // of the append that is being sent
	first   uint64           // number of the first append since the last reset
	answers []answer         // to the appends since then
}

// answer is what became of an append.
type answer struct {
	known bool
	err   error
}

// openOutbox opens an outbox for rounds of so many appends.
func openOutbox(conn *nats.Conn, appends int) (*outbox, error) {
	o := &outbox{
		conn:    conn,
		arrived: make(chan *nats.Msg, 8*appends+64), // several rounds' worth
		broken:  conn.StatusChanged(nats.RECONNECTING, nats.CLOSED),
		replies: conn.NewInbox() + ".",
		header:  newAppendHeader(),
	}
	var err error
	if o.sub, err = conn.ChanSubscribe(o.replies+"*", o.arrived); err != nil {
		conn.RemoveStatusListener(o.broken)
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return o, nil
}

// close ends the outbox. What is still acknowledged nobody hears.
func (o *outbox) close() {
	o.conn.RemoveStatusListener(o.broken)
	_ = o.sub.Unsubscribe() // it fails when the connection is closed: then it has ended
}

func (o *outbox) reset() {
	o.first += uint64(len(o.answers))
	o.answers = o.answers[:0]
	for len(o.broken) > 0 {
		<-o.broken
	}
}

func (o *outbox) begin(m event.Meta, k event.Key, data []byte, after uint64) (uint64, error) {
	n := o.first + uint64(len(o.answers))
	o.answers = append(o.answers, answer{}) // whatever comes: a number stands for one append alone
	err := o.conn.PublishMsg(&nats.Msg{
		Subject: k.Subject(m.Type), Reply: o.replies + strconv.FormatUint(n, 10),
		Header: o.header.of(m, k, after), Data: data,
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (o *outbox) wait(ctx context.Context, n uint64) error {
	a := &o.answers[n-o.first]
	for !a.known {
		select { // most are there already, and this is the cheaper one
		case msg := <-o.arrived:
			o.take(msg)
			continue
		default:
		}
		select {
		case msg := <-o.arrived:
			o.take(msg)
		case <-o.broken:
			o.lose()
		case <-ctx.Done():
			return fmt.Errorf("wait for the acknowledgement: %w", ctx.Err())
		}
	}
	return a.err
}

// take takes an acknowledgement. One of an append that nobody waits for any more
// is passed over.
func (o *outbox) take(msg *nats.Msg) {
	n, err := strconv.ParseUint(msg.Subject[len(o.replies):], 10, 64)
	if i := n - o.first; err == nil && n >= o.first && i < uint64(len(o.answers)) {
		o.answers[i] = answer{known: true, err: readAck(msg)}
	}
}

// lose gives up the acknowledgements that have not come.
func (o *outbox) lose() {
	for i, a := range o.answers {
		if !a.known {
			o.answers[i] = answer{known: true, err: nats.ErrDisconnected}
		}
	}
}

// ackBegin is what an acknowledgement of the event store begins with; behind it
// comes the sequence. Source: nats-server, server/stream.go.
const ackBegin = `{"stream":"` + event.StreamEvents + `","seq":`

// readAck reads the answer to an append.
func readAck(msg *nats.Msg) error {
	if rest, ok := bytes.CutPrefix(msg.Data, []byte(ackBegin)); ok && sequenceAlone(rest) {
		return nil // as nearly always
	}
	if len(msg.Data) == 0 && msg.Header.Get("Status") == "503" {
		return jetstream.ErrNoStreamResponse
	}
	var ack struct {
		Error  *jetstream.APIError `json:"error"`
		Stream string              `json:"stream"`
	}
	switch err := json.Unmarshal(msg.Data, &ack); {
	case err != nil:
		return jetstream.ErrInvalidJSAck
	case ack.Error != nil:
		return ack.Error
	case ack.Stream == "":
		return jetstream.ErrInvalidJSAck
	}
	return nil
}

// sequenceAlone reports whether s is digits and the end of a JSON object.
func sequenceAlone(s []byte) bool {
	digits, ok := bytes.CutSuffix(s, []byte("}"))
	for _, c := range digits {
		ok = ok && c >= '0' && c <= '9'
	}
	return ok && len(digits) > 0
}
