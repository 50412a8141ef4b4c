package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/bench/load"
	"github.com/create-user/create-user/bench/proc"
	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
)

// inFlight is how many requests await their acknowledgement when they are
// published as fast as can be.
const inFlight = 256

// publisher publishes requests as an upstream service does.
type publisher struct {
	request func(ctx context.Context, u load.User) error
}

// newPublisher returns a publisher that uses the SDK, or publishes plain JSON.
func newPublisher(js jetstream.JetStream, m Measurement) (publisher, error) {
	if m.Plain {
		return publisher{request: func(ctx context.Context, u load.User) error { return plain(ctx, js, u) }}, nil
	}
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		return publisher{}, fmt.Errorf("read the public key: %w", err)
	}
	sdk := client.New(js, key, "/bench")
	return publisher{request: func(ctx context.Context, u load.User) error {
		_, err := sdk.Request(ctx, client.Registration{
			ID: u.ID, Token: u.Token, Code: u.Code, Phone: u.Phone, Password: u.Password, Username: u.Username, Image: u.Image, Key: u.ID,
		})
		return err
	}}, nil
}

func plain(ctx context.Context, js jetstream.JetStream, u load.User) error {
	data, err := json.Marshal(u)
	if err != nil {
		return fmt.Errorf("encode a request: %w", err)
	}
	msg := &nats.Msg{Subject: event.SubjectRequested, Data: data}
	_, err = js.PublishMsg(ctx, msg, jetstream.WithMsgID(u.ID))
	return err
}

// all publishes the requests of all users, at a steady rate unless it is 0. A
// request that is late does not hold up those after it.
func (p publisher) all(ctx context.Context, users []load.User, rate float64) (map[string]time.Duration, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	times := make([]time.Duration, len(users)) // each is written by one goroutine
	failed := make(chan error, 1)              // the first that fails ends it all
	free := make(chan struct{}, inFlight)
	var running sync.WaitGroup
	start := time.Now()
	for i, u := range users {
		if rate > 0 {
			until(ctx, start.Add(time.Duration(float64(i)/rate*float64(time.Second))))
		} else {
			free <- struct{}{}
		}
		running.Go(func() {
			times[i] = proc.Now()
			if err := p.request(ctx, u); err != nil {
				select {
				case failed <- fmt.Errorf("publish the request of %s: %w", u.ID, err):
				default:
				}
				cancel()
			}
			if rate == 0 {
				<-free
			}
		})
		if ctx.Err() != nil {
			break
		}
	}
	running.Wait()
	close(failed)
	published := make(map[string]time.Duration, len(users))
	for i, u := range users {
		published[u.ID] = times[i]
	}
	return published, errors.Join(<-failed, ctx.Err())
}

// until waits for a time, or the end of ctx.
func until(ctx context.Context, at time.Time) {
	d := time.Until(at)
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
