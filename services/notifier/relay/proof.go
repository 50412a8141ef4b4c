package relay

// emission is an event under way. Its fields are guarded by its connection's mutex,
// but for proven.
type emission struct {
	number  uint64 // counted from 1 on its connection; also the acknowledgement's id
	arrived bool   // by the answers to pings
	settled bool   // proven is closed
	err     error  // why no proof will come
	proven  chan struct{}
}

// settle tells who waits that there is proof, or none to come. Only the first word
// counts.
func (e *emission) settle(err error) {
	if !e.settled {
		e.settled, e.err = true, err
		close(e.proven)
	}
}

// proof keeps account of what a server has shown to have. It is not safe for
// concurrent use.
type proof struct {
	sent     uint64               // events so far
	waiting  []*emission          // without proof, in the order in which they were sent
	byKey    map[string]*emission // those that Emit has not concluded
	acks     bool                 // the server acknowledges events
	pings    uint64               // sent so far
	pending  bool                 // the last of them is not answered
	covers   uint64               // the last event that it was sent behind
	read     uint64               // the last event that an answered ping was sent behind
	complete uint64               // the last event behind which two pings, one after the other, were answered
}

// begin accounts for an event that is sent.
func (p *proof) begin(key string) *emission {
	p.sent++
	e := &emission{number: p.sent, proven: make(chan struct{})}
	p.waiting = append(p.waiting, e)
	p.byKey[key] = e
	return e
}

// nextPing returns the number of the ping that is due behind all that was sent; 0
// when none is: one at a time, as long as an event has not seen two.
func (p *proof) nextPing() uint64 {
	if p.pending || p.complete == p.sent {
		return 0
	}
	p.pings++
	p.pending, p.covers = true, p.sent
	return p.pings
}

// answered takes the answer to a ping. The ping before it was answered before it
// was sent, so what was sent before that one has seen two.
func (p *proof) answered(ping uint64) {
	if !p.pending || ping != p.pings {
		return
	}
	p.pending = false
	p.complete, p.read = p.read, p.covers
	left := p.waiting[:0]
	for _, e := range p.waiting {
		e.arrived = e.number <= p.complete
		if e.arrived && !p.acks {
			e.settle(nil)
		}
		if !e.settled {
			left = append(left, e)
		}
	}
	clear(p.waiting[len(left):])
	p.waiting = left
}

// acknowledged takes the acknowledgement of an event, and what it says against it.
func (p *proof) acknowledged(number uint64, against error) {
	p.acks = true
	for i, e := range p.waiting {
		if e.number == number {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			e.settle(against)
			return
		}
	}
}

// conclude says what became of an event that nobody waits for any more; gone is why,
// nil when there is proof. One that may still arrive stays under its key.
func (p *proof) conclude(key string, e *emission, gone error) error {
	switch {
	case e.settled:
		p.forget(key, e)
		return e.err
	case e.arrived:
		p.forget(key, e)
		return ErrNotAcknowledged
	}
	return gone
}

func (p *proof) forget(key string, e *emission) {
	if p.byKey[key] == e {
		delete(p.byKey, key)
	}
	for i, w := range p.waiting {
		if w == e {
			p.waiting = append(p.waiting[:i], p.waiting[i+1:]...)
			return
		}
	}
}

// abandon tells everybody that no more proof will come.
func (p *proof) abandon(why error) {
	for _, e := range p.waiting {
		e.settle(why)
	}
	p.waiting = nil
}
