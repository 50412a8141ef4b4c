package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
)

const (
	publishTime  = 3 * time.Second        // one try
	publishPause = 200 * time.Millisecond // before the next
)

// Publisher publishes registrations.
type Publisher struct {
	JS   jetstream.JetStream
	Key  event.PublicKey // of the encryptor
	Join func(id, token string) error
}

// Publish publishes the plan at rate registrations a second, and returns when
// all requests are acknowledged. What is not when ctx ends is an error.
func (p Publisher) Publish(ctx context.Context, plan []*Registration, rate int) error {
	sdk := client.New(p.JS, p.Key, "/chaos")
	every := time.NewTicker(time.Second / time.Duration(rate))
	defer every.Stop()
	var (
		running sync.WaitGroup
		guard   sync.Mutex // guards failed
		failed  []error
	)
	for _, r := range plan {
		select {
		case <-every.C:
		case <-ctx.Done():
		}
		if err := p.Join(r.ID, r.Session); err != nil {
			return err
		}
		for i := range r.requests {
			running.Go(func() {
				if err := p.submit(ctx, sdk, r, i); err != nil {
					guard.Lock()
					defer guard.Unlock()
					failed = append(failed, err)
				}
			})
		}
	}
	running.Wait()
	return errors.Join(failed...)
}

// submit publishes one request until it is acknowledged.
func (p Publisher) submit(ctx context.Context, sdk *client.Client, r *Registration, i int) error {
	s, q := &r.Submissions[i], r.requests[i]
	pause(ctx, q.after)
	for ctx.Err() == nil {
		s.Attempts++
		err := p.try(ctx, sdk, r, i)
		if err == nil {
			s.Stored = true
			return nil
		}
		if field, ok := errors.AsType[*event.FieldError](err); ok {
			return fmt.Errorf("request of user %s: %w", r.ID, field)
		}
		pause(ctx, publishPause)
	}
	return fmt.Errorf("request of user %s: not acknowledged: %w", r.ID, ctx.Err())
}

func (p Publisher) try(ctx context.Context, sdk *client.Client, r *Registration, i int) error {
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	id, q := r.Submissions[i].Saga, r.requests[i]
	const phone, password = "+4915112345678", "correct horse battery"
	if q.sealed {
		_, err := sdk.Request(ctx, client.Registration{
			ID: r.ID, Token: r.Token, Code: q.code, Phone: phone, Password: password, Username: q.name, Image: q.image, Key: id,
		})
		return err
	}
	msg := nats.NewMsg(event.SubjectRequested)
	var err error
	if msg.Data, err = json.Marshal(map[string]string{
		"Id": r.ID, "Token": r.Token, "Code": q.code, "Phone": phone, "Password": password, "Username": q.name, "Image": q.image,
	}); err != nil {
		return err
	}
	var options []jetstream.PublishOpt
	if id != "" {
		options = append(options, jetstream.WithMsgID(id))
	}
	_, err = p.JS.PublishMsg(ctx, msg, options...)
	return err
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
