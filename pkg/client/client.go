// Package client is the SDK of upstream services: it publishes registration
// requests so that no password leaves the process in clear, and waits for
// their outcomes.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
)

// Registration is a user to be registered. Every field but Key, Image and
// Deadline is required; the limits are those of the event package.
type Registration struct {
	ID       string
	Token    string // the user's JWT
	Code     string // the verification code that the user entered
	Phone    string
	Password string
	Username string
	Image    string // any text of at most event.MaxImage bytes, usually a data URL

	// Key is the idempotency key: requests with the same key are one registration.
	// It becomes the saga's id, so it must be 1 to 64 characters of A-Za-z0-9_-.
	// Empty: a new one is made, and a repeated call is a second request.
	Key string

	// Deadline, when set, is when the registration must have ended.
	Deadline time.Time
}

// Client publishes requests. It is safe for concurrent use.
type Client struct {
	js     jetstream.JetStream
	sealer *event.Sealer
	images *images.Store
	source string
}

// New returns a client that publishes over js and seals credentials to the
// encryptor's public key. source names the caller in the events, for example
// "/signup".
func New(js jetstream.JetStream, key event.PublicKey, source string) *Client {
	return &Client{js: js, sealer: event.NewSealer(key), images: images.New(js), source: source}
}

// Request publishes the request for r and returns once it is stored. The saga's
// id that it returns is r.Key or a new one.
//
// A [*event.FieldError] means that r is invalid and nothing was sent. With any
// other error the request may or may not be stored: to be sure, call again with
// the same Key.
func (c *Client) Request(ctx context.Context, r Registration) (string, error) {
	if r.Key == "" {
		r.Key = nuid.Next()
	}
	if !event.ValidSagaID(r.Key) {
		return "", &event.FieldError{Field: "Key", Problem: "must be 1 to 64 characters of A-Za-z0-9_-"}
	}
	request := event.Requested{
		ID: r.ID, Token: r.Token, Code: r.Code, Phone: r.Phone, Password: r.Password,
		Username: r.Username, Image: event.Image{Inline: r.Image},
	}
	if err := request.Validate(); err != nil {
		return "", err
	}
	if err := c.protect(ctx, r.Key, &request); err != nil {
		return "", err
	}
	if err := c.publish(ctx, r, request); err != nil {
		return "", fmt.Errorf("publish the request of saga %s: %w", r.Key, err)
	}
	return r.Key, nil
}

// protect seals the credentials and puts a large image aside.
func (c *Client) protect(ctx context.Context, saga string, request *event.Requested) error {
	sealed, err := c.sealer.Seal(saga, event.Credentials{Phone: request.Phone, Password: request.Password})
	if err != nil {
		return err
	}
	request.Phone, request.Password, request.Sealed = "", "", &sealed
	if len(request.Image.Inline) <= event.InlineImage {
		return nil
	}
	claim, err := c.images.Put(ctx, saga, []byte(request.Image.Inline))
	if err != nil {
		return err
	}
	request.Image = event.Image{Claim: &claim}
	return nil
}

func (c *Client) publish(ctx context.Context, r Registration, request event.Requested) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = body
	msg.Header = event.Meta{
		ID: r.Key + "." + string(event.TypeRequested), Source: c.source, Type: event.TypeRequested,
		Time: time.Now(), Saga: r.Key, Deadline: r.Deadline,
	}.Header()
	_, err = c.js.PublishMsg(ctx, msg, jetstream.WithMsgID(r.Key))
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf(`%w: is there a stream %s? ("createuser streams apply")`, err, event.StreamRequests)
	}
	return err
}

// Outcome waits until the saga has ended and returns how. It fails with the
// error of ctx when that ends first. The event store keeps outcomes for a week.
func (c *Client) Outcome(ctx context.Context, sagaID string) (event.Ended, error) {
	if !event.ValidSagaID(sagaID) {
		return event.Ended{}, fmt.Errorf("saga id: want 1 to 64 characters of A-Za-z0-9_-")
	}
	// The user's part of the subject is not known here: any will do.
	k := event.Key{User: "*", Saga: sagaID}
	consumer, err := c.js.OrderedConsumer(ctx, event.StreamEvents, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{k.Subject(event.TypeCompleted), k.Subject(event.TypeFailed)},
	})
	if err != nil {
		return event.Ended{}, fmt.Errorf("follow saga %s: %w", sagaID, err)
	}
	defer c.forget(ctx, consumer)
	msg, err := next(ctx, consumer)
	if err != nil {
		return event.Ended{}, fmt.Errorf("wait for the outcome of saga %s: %w", sagaID, err)
	}
	var ended event.Ended
	if err := json.Unmarshal(msg.Data(), &ended); err != nil {
		return event.Ended{}, fmt.Errorf("decode the outcome of saga %s: %w", sagaID, err)
	}
	return ended, nil
}

// outcomePoll is how long one request for the next event waits.
const outcomePoll = 5 * time.Second

// next waits for the consumer's next event, through reconnections, until ctx ends.
func next(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, outcomePoll)
		msg, err := consumer.Next(jetstream.FetchContext(attempt))
		if err == nil {
			cancel()
			return msg, nil
		}
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrTimeout) {
			<-attempt.Done() // an error at once: do not ask again at once
		}
		cancel()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// forget deletes a consumer that is of no more use. The server would do so by
// itself after some minutes.
func (c *Client) forget(ctx context.Context, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if info := consumer.CachedInfo(); info != nil {
		_ = c.js.DeleteConsumer(ctx, event.StreamEvents, info.Name) // best effort, as said
	}
}
