package system

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// Proxy stands between the services and a part: it can cut the connections, and
// hold back what goes over them. It is safe for concurrent use.
type Proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context //nolint:containedctx // of all its connections, until Close
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool // guarded by mu
	open  chan struct{}     // closed while bytes may pass; guarded by mu
	held  bool              // guarded by mu
}

// NewProxy listens on a port of loopback and passes on to target.
func NewProxy(ctx context.Context, target string) (*Proxy, error) {
	listener, err := listen(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a proxy: %w", err)
	}
	p := &Proxy{listener: listener, target: target, conns: map[net.Conn]bool{}, open: make(chan struct{})}
	close(p.open)
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	p.running.Go(p.accept)
	return p, nil
}

// Addr returns the address that it listens on.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut ends every connection at once, as a firewall or a crash does.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, and nothing that was under way
		}
		_ = c.Close()
	}
}

// Hold lets nothing pass any more, as a network does that drops packets.
func (p *Proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.held {
		p.held, p.open = true, make(chan struct{})
	}
}

// Release ends Hold: what was held back passes.
func (p *Proxy) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held {
		p.held = false
		close(p.open)
	}
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.cancel()
	_ = p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.serve(conn) })
	}
}

// serve passes one connection on. A part that is away refuses it.
func (p *Proxy) serve(from net.Conn) {
	if !p.add(from) {
		return
	}
	defer p.remove(from)
	to, err := new(net.Dialer).DialContext(p.ctx, "tcp", p.target)
	if err != nil || !p.add(to) {
		return
	}
	defer p.remove(to)
	var both sync.WaitGroup
	both.Go(func() { p.pass(to, from) })
	both.Go(func() { p.pass(from, to) })
	both.Wait()
}

// pass copies bytes as long as they may pass, then closes both ends.
func (p *Proxy) pass(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && (!p.gate() || !written(to, buffer[:n])) {
			return
		}
		if err != nil {
			return
		}
	}
}

func written(to net.Conn, data []byte) bool {
	_, err := to.Write(data)
	return err == nil
}

// gate waits until bytes may pass. It reports false when the proxy is closed.
func (p *Proxy) gate() bool {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	select {
	case <-open:
		return true
	case <-p.ctx.Done():
		return false
	}
}

func (p *Proxy) add(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) remove(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = c.Close()
	delete(p.conns, c)
}
