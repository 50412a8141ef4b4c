package saga

import (
	"context"
	"slices"
	"time"
)

// open opens what a loop needs, and runs it until ctx ends.
func (r *runner[In, Out]) open(ctx, work context.Context) {
	for {
		in, out, err := r.openBoxes()
		if err == nil {
			own := *r
			own.out = out
			own.loop(ctx, work, in)
			out.close()
			return
		}
		r.log.Warn().Err(err).Msg("cannot take events")
		if pause(ctx, time.Second) != nil {
			return
		}
	}
}

func (r *runner[In, Out]) openBoxes() (*inbox, *outbox, error) {
	in, err := r.openInbox()
	if err != nil {
		return nil, nil, err
	}
	out, err := openOutbox(in.conn, r.step.Batch)
	if err != nil {
		_ = in.sub.Unsubscribe() // nothing was asked for yet
		return nil, nil, err
	}
	return in, out, nil
}

// loop takes batches and settles them until ctx ends.
func (r *runner[In, Out]) loop(ctx, work context.Context, in *inbox) {
	var held []*message[In] // events whose dependency is away
	stalled := 0            // rounds in a row that settled nothing
	for ctx.Err() == nil {
		free, wait := r.step.Batch-len(held), takeWait
		if len(held) > 0 {
			wait = hurryWait
		}
		if stalled > 0 {
			if pause(ctx, stall(stalled)) != nil {
				break
			}
			// One fresh event is a probe, too: what is held may be odd, and must
			// not stand in the way of others.
			free = min(free, 1)
		}
		fresh := r.take(ctx, in, free, wait)
		r.observeTaken(fresh)
		before, inHand := len(held), len(held)+len(fresh)
		switch {
		case inHand == 0:
			continue
		case work.Err() != nil: // too late to begin anything
			r.observer.Held(-before)
			r.leave(in, slices.Concat(held, fresh))
			return
		case stalled > 0:
			held = r.probe(work, held, fresh)
		default:
			held = r.round(work, held, fresh)
		}
		r.observer.Held(len(held) - before)
		if len(held) < inHand {
			stalled = 0
		} else {
			stalled++
		}
	}
	r.observer.Held(-len(held))
	r.leave(in, held)
}

// round handles and settles what is in hand, and returns what stays there. An
// event that was delivered before is handled alone, so that one bad event cannot
// drag a batch along. The first of those that must stay ends the round: while
// its dependency is away, so it is for the others. It goes to the end of the
// queue, so that one odd event does not stand in the way for good.
func (r *runner[In, Out]) round(ctx context.Context, held, fresh []*message[In]) []*message[In] {
	var together, alone []*message[In]
	for _, m := range slices.Concat(held, r.part(fresh)) {
		if m.Delivery > 1 {
			alone = append(alone, m)
		} else {
			together = append(together, m)
		}
	}
	r.keep(held)
	kept := time.Now()
	left := r.try(ctx, together)
	for i, m := range alone {
		if time.Since(kept) > keepEvery {
			r.keep(left)
			r.keep(alone[i:])
			kept = time.Now()
		}
		if stays := r.try(ctx, []*message[In]{m}); len(stays) > 0 {
			return slices.Concat(left, alone[i+1:], stays)
		}
	}
	return left
}

// apart is the time between events that are given back to come one by one.
const apart = 10 * time.Millisecond

// part gives back all but one of the events that come a second time together, as
// they do after a process has ended with them in hand, and returns the others. If
// one of them is what ends the process, the rest must not be in its hand again:
// their deadlines would pass before it reaches its delivery limit.
func (r *runner[In, Out]) part(fresh []*message[In]) []*message[In] {
	var kept []*message[In]
	second := 0
	for _, m := range fresh {
		if m.Delivery == 2 {
			if second++; second > 1 {
				r.nak(m, time.Duration(second-1)*apart)
				r.observer.Settled(SettledReleased)
				continue
			}
		}
		kept = append(kept, m)
	}
	if second > 1 { // before the next handler may end the process
		_ = r.cfg.JetStream.Conn().FlushTimeout(time.Second) // a lost word only costs a redelivery
	}
	return kept
}

// keepEvery is how often the ack wait of what waits for its turn is extended.
const keepEvery = time.Second

// probe tries the first of the held events, and what is fresh, after a round
// that settled nothing. Of the others it only ends those whose time is over.
func (r *runner[In, Out]) probe(ctx context.Context, held, fresh []*message[In]) []*message[In] {
	r.keep(held)
	rest := r.expire(ctx, held[1:])
	stays := r.try(ctx, held[:1])
	r.keep(rest)
	r.keep(stays)
	r.keep(fresh)
	return slices.Concat(rest, stays, r.try(ctx, fresh))
}

// try handles and settles a batch, and returns what stays in hand.
func (r *runner[In, Out]) try(ctx context.Context, batch []*message[In]) []*message[In] {
	if len(batch) == 0 {
		return nil
	}
	ctx, together := r.startSpans(ctx, batch)
	defer endSpans(batch, together)
	return r.settle(ctx, batch, r.handle(ctx, batch))
}

// expire ends the sagas among held events whose deadline has passed, and
// returns the others. A broken message has its own end.
func (r *runner[In, Out]) expire(ctx context.Context, held []*message[In]) []*message[In] {
	var late, rest []*message[In]
	for _, m := range held {
		if m.broken == nil && r.mayFail && r.late(m) {
			late = append(late, m)
		} else {
			rest = append(rest, m)
		}
	}
	return append(rest, r.try(ctx, late)...)
}

// stall returns how long to wait after n rounds without progress: from 50 ms,
// doubling, to 1 s.
func stall(n int) time.Duration {
	return min(time.Second, 50*time.Millisecond<<min(n-1, 5))
}
