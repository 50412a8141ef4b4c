package console

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
)

// replica is a process that has said that it lives.
type replica struct {
	service.Presence
	Heard time.Time // when last
	Gone  bool      // it has been silent for too long
}

const (
	// silence is how long a process may say nothing before it counts as gone.
	silence = 3 * service.PresenceEvery
	// forgetAfter is how long one that is gone is still shown.
	forgetAfter = 10 * time.Minute
	// maxReplicas bounds how many are remembered.
	maxReplicas = 1000
)

// presences knows which processes there are, by their own word.
type presences struct {
	mu    sync.Mutex
	heard map[string]replica // guarded by mu; by instance
}

// listen hears the processes until ctx ends.
func (p *presences) listen(ctx context.Context, conn *nats.Conn) error {
	arrived := make(chan *nats.Msg, maxReplicas)
	sub, err := conn.ChanSubscribe(event.PresenceSubject("*"), arrived)
	if err != nil {
		return fmt.Errorf("listen for the services: %w", err)
	}
	for {
		select {
		case msg := <-arrived:
			p.hear(msg.Data, time.Now())
		case <-ctx.Done():
			_ = sub.Unsubscribe() // the connection closes next
			return nil
		}
	}
}

func (p *presences) hear(data []byte, now time.Time) {
	var one service.Presence
	if json.Unmarshal(data, &one) != nil || one.Instance == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.heard == nil {
		p.heard = map[string]replica{}
	}
	for id, r := range p.heard {
		if now.Sub(r.Heard) > forgetAfter {
			delete(p.heard, id)
		}
	}
	if _, known := p.heard[one.Instance]; known || len(p.heard) < maxReplicas {
		p.heard[one.Instance] = replica{Presence: one, Heard: now}
	}
}

// list returns the processes by service and beginning.
func (p *presences) list(now time.Time) []replica {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]replica, 0, len(p.heard))
	for _, r := range p.heard {
		r.Gone = now.Sub(r.Heard) > silence
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b replica) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), a.Began.Compare(b.Began))
	})
	return list
}
