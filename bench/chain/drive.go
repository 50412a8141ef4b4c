package chain

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Load says what goes through a chain.
type Load struct {
	Sagas    int `json:"sagas"`
	InFlight int `json:"inFlight"` // at most
	// Slice is after how many sagas each progress is told, and Probes how many
	// then go through alone, one after the other.
	Slice  int `json:"slice"`
	Probes int `json:"probes"`
}

// Progress is what happened in one slice of a load.
type Progress struct {
	Done    int             `json:"done"`    // sagas so far
	Seconds float64         `json:"seconds"` // that the slice took
	Probes  []time.Duration `json:"probes"`  // how long each probe took
}

// Driver puts sagas through a chain and counts those that come out.
type Driver struct {
	ends Ends
	js   jetstream.JetStream
	conn *nats.Conn
	done chan *nats.Msg
	next int // the next saga
}

// maxOut is how many sagas may have come out uncounted: more than are in flight.
const maxOut = 1 << 16

// NewDriver returns a driver of a chain that runs.
func NewDriver(ends Ends, dial Dialer) (*Driver, error) {
	conn, err := dial()
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(maxOut))
	if err != nil {
		return nil, fmt.Errorf("drive the chain: %w", err)
	}
	d := &Driver{ends: ends, js: js, conn: conn, done: make(chan *nats.Msg, maxOut)}
	if _, err = conn.ChanSubscribe(ends.Done, d.done); err == nil {
		err = conn.Flush()
	}
	if err != nil {
		return nil, fmt.Errorf("drive the chain: %w", err)
	}
	return d, nil
}

// Close closes the driver's connection.
func (d *Driver) Close() { d.conn.Close() }

// Drive puts a load through, and tells of each slice.
func (d *Driver) Drive(ctx context.Context, l Load, tell func(Progress) error) error {
	for done := 0; done < l.Sagas; {
		n := min(l.Slice, l.Sagas-done)
		start := time.Now()
		if err := d.burst(ctx, n, l.InFlight); err != nil {
			return err
		}
		done += n
		p := Progress{Done: done, Seconds: time.Since(start).Seconds()}
		for range l.Probes {
			start := time.Now()
			if err := d.burst(ctx, 1, 1); err != nil {
				return err
			}
			p.Probes = append(p.Probes, time.Since(start))
		}
		if err := tell(p); err != nil {
			return err
		}
	}
	return nil
}

// burst puts n sagas through, of which so many are in flight at most.
func (d *Driver) burst(ctx context.Context, n, inFlight int) error {
	for in := range n {
		if in >= inFlight {
			if err := d.await(ctx); err != nil {
				return err
			}
		}
		if _, err := d.js.PublishMsgAsync(d.ends.Request("s" + strconv.Itoa(d.next))); err != nil {
			return fmt.Errorf("publish a saga: %w", err)
		}
		d.next++
	}
	for range min(n, inFlight) {
		if err := d.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// awaitTime is how long the next saga may take to come out.
const awaitTime = 30 * time.Second

func (d *Driver) await(ctx context.Context) error {
	select { // most have come out already: then no timer is needed
	case <-d.done:
		return nil
	default:
	}
	limit := time.NewTimer(awaitTime)
	defer limit.Stop()
	select {
	case <-d.done:
		return nil
	case <-limit.C:
		return errors.New("a saga did not come out of the chain")
	case <-ctx.Done():
		return ctx.Err()
	}
}
