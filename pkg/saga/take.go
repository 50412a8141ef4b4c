package saga

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
)

// inbox is where a loop's deliveries arrive. It stays for as long as the loop
// runs, so that a delivery which comes late, because the server was slow or
// frozen, is taken by a later pull. The client library's Fetch has an inbox for
// each pull and waits a second for it: what came later was lost until the ack
// wait ended.
type inbox struct {
	conn     *nats.Conn
	sub      *nats.Subscription
	arrived  chan *nats.Msg
	requests string // subject of pull requests
	replies  string // prefix of the subjects that they are answered on
	pulls    int    // so far
}

func (r *runner[In, Out]) openInbox() (*inbox, error) {
	conn := r.cfg.JetStream.Conn()
	in := &inbox{
		conn:     conn,
		arrived:  make(chan *nats.Msg, 8*r.step.Batch+64), // several pulls' worth
		requests: apiPrefix(r.cfg.JetStream) + "CONSUMER.MSG.NEXT." + r.stream() + "." + r.step.Name,
		replies:  conn.NewInbox() + ".",
	}
	var err error
	if in.sub, err = conn.ChanSubscribe(in.replies+"*", in.arrived); err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return in, nil
}

// pull asks for up to n deliveries: what is there now, or else what comes first
// within wait. So batches form by themselves under load, and a lone event waits
// for nobody. Source: ADR-13 of nats-io/nats-architecture-and-design.
func (in *inbox) pull(n int, wait time.Duration) ([]*nats.Msg, error) {
	in.pulls++
	reply := in.replies + strconv.Itoa(in.pulls)
	request := fmt.Appendf(nil, `{"batch":%d,"no_wait":true,"expires":%d}`, n, wait.Nanoseconds())
	if err := in.conn.PublishRequest(in.requests, reply, request); err != nil {
		return nil, err
	}
	limit := time.NewTimer(wait + answerWait)
	defer limit.Stop()
	var taken []*nats.Msg
	for len(taken) < n {
		select {
		case msg := <-in.arrived:
			switch {
			case msg.Reply != "":
				taken = append(taken, msg)
			case msg.Subject == reply:
				return taken, status(msg)
			} // else it ends an earlier pull
		case <-limit.C:
			return taken, nil
		}
	}
	return taken, nil
}

// late returns up to n deliveries that came after their pull had been given up.
func (in *inbox) late(n int) []*nats.Msg {
	var taken []*nats.Msg
	for len(taken) < n {
		select {
		case msg := <-in.arrived:
			if msg.Reply != "" {
				taken = append(taken, msg)
			}
		default:
			return taken
		}
	}
	return taken
}

// errBusy says that other pulls wait for all that there is.
var errBusy = errors.New("other pulls wait already")

// status reads the message that ends a pull.
func status(msg *nats.Msg) error {
	code, text := msg.Header.Get("Status"), msg.Header.Get("Description")
	switch {
	case code == "408" && text == "Requests Pending":
		return errBusy
	case code == "404", code == "408": // no more, or none in time
		return nil
	case code == "503":
		return nats.ErrNoResponders
	}
	return fmt.Errorf("status %s %s", code, text)
}

const (
	// takeWait is how long a loop with nothing in hand waits for events at a
	// time. A stop waits it out, because what is delivered to a loop that has
	// gone is lost until the ack wait ends.
	takeWait = time.Second
	// hurryWait is the same for a loop with events in hand.
	hurryWait = 20 * time.Millisecond
	// answerWait is how long after its wait the end of a pull may come.
	answerWait = 250 * time.Millisecond
	// reconnectPoll is how often a loop looks whether events can be taken again.
	reconnectPoll = 200 * time.Millisecond
	// busyPause is how long a loop leaves the others what there is.
	busyPause = 5 * time.Millisecond
)

// take takes up to n events, waiting for the first.
func (r *runner[In, Out]) take(ctx context.Context, in *inbox, n int, wait time.Duration) []*message[In] {
	if n <= 0 {
		return nil
	}
	if !in.conn.IsConnected() {
		_ = pause(ctx, reconnectPoll)
		return nil
	}
	deliveries := in.late(n)
	var err error
	if len(deliveries) == 0 {
		deliveries, err = in.pull(n, wait)
	}
	switch {
	case errors.Is(err, errBusy):
		_ = pause(ctx, busyPause)
	case err != nil:
		r.log.Warn().Err(err).Msg("cannot take events")
		_ = pause(ctx, reconnectPoll)
	}
	taken := make([]*message[In], len(deliveries))
	for i, msg := range deliveries {
		taken[i] = r.read(msg)
	}
	return taken
}

// leave ends a loop: it gives back what is held, and what comes too late.
func (r *runner[In, Out]) leave(in *inbox, held []*message[In]) {
	if err := in.sub.Unsubscribe(); err != nil {
		r.log.Debug().Err(err).Msg("cannot unsubscribe")
	}
	for range held {
		r.observer.Settled(SettledReleased)
	}
	for _, msg := range in.late(cap(in.arrived)) {
		held = append(held, r.read(msg))
	}
	for _, m := range held {
		r.nak(m, 0)
	}
}

// keep tells the server that held events are still in hand, so that their ack
// wait begins anew.
func (r *runner[In, Out]) keep(held []*message[In]) {
	for _, m := range held {
		r.tell(m, "+WPI")
	}
}

func (r *runner[In, Out]) ack(m *message[In]) { r.tell(m, "+ACK") }

func (r *runner[In, Out]) nak(m *message[In], delay time.Duration) {
	if delay <= 0 {
		r.tell(m, "-NAK")
		return
	}
	r.tell(m, fmt.Sprintf(`-NAK {"delay": %d}`, delay.Nanoseconds()))
}

func (r *runner[In, Out]) term(m *message[In], reason event.Reason) {
	r.tell(m, "+TERM "+string(reason))
}

// tell tells the server what became of a message. A lost word only costs a
// redelivery, so an error is for the log alone.
func (r *runner[In, Out]) tell(m *message[In], word string) {
	if err := r.publish(m.msg.Reply, []byte(word)); err != nil {
		r.logOf(m).Debug().Err(err).Str("word", word).Msg("cannot settle")
	}
}
