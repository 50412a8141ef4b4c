package token

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// How long the cache waits before it fetches again.
const (
	refreshEvery = time.Hour        // after a success
	retryStale   = 30 * time.Second // after a failure, while old keys serve
	retryEmpty   = time.Second      // after a failure, without any key
	renewEvery   = time.Minute      // between two fetches that tokens with unknown keys caused
)

var errClosed = errors.New("the verifier is closed")

// cache is the keyring of an issuer with public keys. One goroutine, run, owns the fetching: it starts in openCache and
// ends in close. All others look up keys, and now and then ask it to fetch early.
type cache struct {
	source  source
	observe func(keys int, err error)
	cancel  context.CancelFunc
	ended   chan struct{} // closed when run has ended
	wake    chan struct{} // holds one token: fetch now

	mu        sync.Mutex    // guards what follows
	set       *keySet       // the keys that are accepted; nil before the first success
	err       error         // of the last fetch; nil when it succeeded
	underway  bool          // a fetch runs or has been asked for
	done      chan struct{} // closed at the end of the fetch that is underway, or of the next
	lastRenew time.Time     // when an unknown key last caused a fetch; zero: never
}

// openCache starts the cache with the first set if there is one already; else the first fetch is underway at once.
func openCache(ctx context.Context, from source, first *keySet, cfg Config) *cache {
	ctx, cancel := context.WithCancel(ctx)
	c := &cache{
		source:   from,
		observe:  cfg.OnRefresh,
		cancel:   cancel,
		ended:    make(chan struct{}),
		wake:     make(chan struct{}, 1),
		set:      first,
		underway: first == nil,
		done:     make(chan struct{}),
	}
	if c.observe == nil {
		c.observe = func(int, error) {}
	}
	if first != nil {
		c.observe(first.size(), nil)
	}
	go c.run(ctx)
	return c
}

// close ends run and waits for it.
func (c *cache) close() {
	c.cancel()
	<-c.ended
}

// run fetches when it is time to, or when it is asked, until ctx ends.
func (c *cache) run(ctx context.Context) {
	defer close(c.ended)
	if closer, ok := c.source.(io.Closer); ok {
		defer closer.Close()
	}
	timer := time.NewTimer(refreshEvery)
	defer timer.Stop()
	if c.isUnderway() {
		timer.Reset(c.refresh(ctx))
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-c.wake:
		}
		timer.Reset(c.refresh(ctx))
	}
}

// refresh fetches once and returns how long to wait before the next time.
func (c *cache) refresh(ctx context.Context) time.Duration {
	c.begin()
	set, err := load(ctx, c.source)
	held := c.finish(set, err)
	c.observe(held, err)
	switch {
	case held == 0:
		return retryEmpty
	case err != nil:
		return retryStale
	default:
		return refreshEvery
	}
}

// begin marks a fetch as underway. A request for one that came in meanwhile is met by it.
func (c *cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.underway = true
	select {
	case <-c.wake:
	default:
	}
}

// finish publishes what a fetch brought, wakes those who wait for it, and returns the number of keys now held. A set
// that came with an error is an empty one: the issuer withdrew its keys.
func (c *cache) finish(set *keySet, err error) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if set != nil {
		c.set = set
	}
	c.err = err
	c.underway = false
	close(c.done)
	c.done = make(chan struct{})
	return c.set.size()
}

func (c *cache) isUnderway() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.underway
}

func (c *cache) current() *keySet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.set
}

// find implements keyring.
func (c *cache) find(ctx context.Context, h header) ([]jwt.VerificationKey, *keySet, error) {
	for {
		set := c.current()
		keys, known := set.fitting(h)
		if len(keys) > 0 {
			return keys, set, nil
		}
		if known {
			return nil, nil, invalid(reasonUnknownKey)
		}
		switch newer, err := c.renew(ctx, set); {
		case err != nil:
			return nil, nil, err
		case !newer:
			return nil, nil, invalid(reasonUnknownKey)
		}
	}
}

// renew implements keyring: unless a newer set is held already, it waits for the fetch that is underway, or causes one if
// the last one that it caused is long enough ago. It returns an error if the last fetch failed.
func (c *cache) renew(ctx context.Context, seen *keySet) (bool, error) {
	if done := c.ask(seen); done != nil {
		select {
		case <-done:
		case <-ctx.Done():
			return false, unavailable(ctx.Err())
		case <-c.ended:
			return false, unavailable(errClosed)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false, unavailable(c.err)
	}
	return c.set != seen, nil
}

// ask returns the end of the fetch that is underway or that it causes; nil if none is needed, as the set held is newer
// than the one seen, or if it may cause none. Without any key run repeats the fetch by itself, soon enough.
func (c *cache) ask(seen *keySet) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.set != seen:
		return nil
	case c.underway:
		return c.done
	case c.set.size() == 0:
		return nil
	case !c.lastRenew.IsZero() && time.Since(c.lastRenew) < renewEvery:
		return nil
	}
	c.lastRenew = time.Now()
	c.underway = true
	c.wake <- struct{}{}
	return c.done
}
