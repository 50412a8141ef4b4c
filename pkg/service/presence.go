package service

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/nats-io/nuid"

	"github.com/create-user/create-user/pkg/event"
)

// PresenceEvery is how often a process says that it lives.
const PresenceEvery = 5 * time.Second

// Presence is what a process says of itself on [event.PresenceSubject], as plain
// messages that nobody keeps: who listens knows which replicas there are.
type Presence struct {
	Service  string    `json:"service"`
	Instance string    `json:"instance"` // another one for each start
	Host     string    `json:"host"`
	Version  string    `json:"version"`
	Began    time.Time `json:"began"`
}

// Announce says that a service lives until ctx ends. What cannot be said is said
// again a moment later, so its only error is one of encoding.
func (e *Env) Announce(ctx context.Context, name string) error {
	host, err := os.Hostname()
	if err != nil {
		host = "(unknown host)"
	}
	data, err := json.Marshal(Presence{Service: name, Instance: nuid.Next(), Host: host, Version: Version(), Began: time.Now()})
	if err != nil {
		return fmt.Errorf("encode the presence: %w", err)
	}
	ticker := time.NewTicker(PresenceEvery)
	defer ticker.Stop()
	for {
		if conn := e.JS.Conn(); conn.IsConnected() { // else it would be buffered, and be old when it is sent
			if err := conn.Publish(event.PresenceSubject(name), data); err != nil {
				e.Logger.Debug().Err(err).Msg("cannot say that this process lives")
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}
