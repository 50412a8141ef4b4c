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
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
)

// Registration is a user to be registered. Every field but Image, Deadline and
// those of the key is required; the limits are those of the event package.
type Registration struct {
	ID       string
	Token    string // the user's JWT
	Code     string // the verification code that the user entered
	Phone    string
	Password string
	Username string
	Image    string // any text of at most event.MaxImage bytes, usually a data URL

	// Key is the idempotency key: requests with the same key are one registration.
	// It becomes the saga's id, so it must be 1 to 64 characters of A-Za-z0-9_-. It
	// is unique over all users: the same key for another Id is refused.
	// Empty: a new one is made, and a repeated call is a second request.
	Key string

	// KeyOfID says that Key was made of ID, among others, so that nobody else's
	// registration can have the same. Then a repetition needs no look at the streams.
	KeyOfID bool

	// Deadline, when set, is when the registration must have ended.
	Deadline time.Time
}

// Client publishes requests. It is safe for concurrent use.
type Client struct {
	js     jetstream.JetStream
	sealer *event.Sealer // nil: credentials are sent in clear
	images *images.Store
	source string
	traces trace.TracerProvider // nil: see Request
}

// New returns a client that publishes over js and seals credentials to the
// encryptor's public key. source names the caller in the events, for example
// "/signup".
func New(js jetstream.JetStream, key event.PublicKey, source string, options ...Option) *Client {
	c := NewUnsealed(js, source, options...)
	c.sealer = event.NewSealer(key)
	return c
}

// Option changes what [New] and [NewUnsealed] return.
type Option func(*Client)

// WithTracing has each request begin its saga's trace with a span of p.
func WithTracing(p trace.TracerProvider) Option { return func(c *Client) { c.traces = p } }

// NewUnsealed returns a client for those who have no key: credentials stand in
// the inbox in clear until the token-verifier seals them. Prefer [New].
func NewUnsealed(js jetstream.JetStream, source string, options ...Option) *Client {
	c := &Client{js: js, images: images.New(js), source: source}
	for _, o := range options {
		o(c)
	}
	return c
}

// Request publishes the request for r and returns once it is stored. The saga's
// id that it returns is r.Key or a new one.
//
// A [*event.FieldError] means that r is invalid and nothing was sent, and
// [ErrKeyUsed] that the key stands for somebody else's registration. With any
// other error the request may or may not be stored: to be sure, call again with
// the key that is returned beside it. While no answer comes, Request repeats
// itself with that key until ctx ends.
//
// When ctx holds a span, the saga belongs to its trace.
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
	return r.Key, c.publish(ctx, r, request)
}

// Refuse publishes a request that cannot be valid, so that the user is told.
// Nothing but the Id, the Token, the Key and the Deadline of r is sent. Its
// errors are those of [Client.Request] but for the [*event.FieldError].
func (c *Client) Refuse(ctx context.Context, r Registration) error {
	return c.publish(ctx, r, event.Requested{ID: r.ID, Token: r.Token})
}

// ErrKeyUsed says that a registration's key was used for another Id. Keys are
// unique over all users.
var ErrKeyUsed = errors.New("the key was used for another Id")

// protect seals the credentials and puts a large image aside.
func (c *Client) protect(ctx context.Context, saga string, request *event.Requested) error {
	if c.sealer != nil {
		sealed, err := c.sealer.Seal(saga, event.Credentials{Phone: request.Phone, Password: request.Password})
		if err != nil {
			return err
		}
		request.Phone, request.Password, request.Sealed = "", "", &sealed
	}
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
	if err := c.store(ctx, r, request); err != nil {
		return fmt.Errorf("publish the request of saga %s: %w", r.Key, err)
	}
	return nil
}

func (c *Client) store(ctx context.Context, r Registration, request event.Requested) (err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	msg := nats.NewMsg(event.SubjectRequested)
	msg.Data = body
	meta, span := saga.StartSend(ctx, c.tracer(ctx), event.Meta{
		ID: r.Key + "." + string(event.TypeRequested), Source: c.source, Type: event.TypeRequested,
		Time: time.Now(), Saga: r.Key, Deadline: r.Deadline,
	})
	defer func() { saga.EndSend(span, err) }()
	msg.Header = meta.Header()
	msg.Header[event.HeaderMsgID] = []string{r.Key}
	ack, err := c.send(ctx, msg)
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf(`%w: is there a stream %s? ("createuser streams apply")`, err, event.StreamRequests)
	}
	if err != nil || !ack.Duplicate || r.KeyOfID {
		return err
	}
	return c.confirm(ctx, r, ack.Sequence)
}

// tracerName is the instrumentation scope of the spans of requests.
const tracerName = "github.com/create-user/create-user/pkg/client"

// tracer returns what makes the span of a request: none without a provider and
// without a span in ctx.
func (c *Client) tracer(ctx context.Context) trace.Tracer {
	if c.traces != nil {
		return c.traces.Tracer(tracerName)
	}
	if span := trace.SpanFromContext(ctx); span.SpanContext().IsValid() {
		return span.TracerProvider().Tracer(tracerName)
	}
	return nil
}

// sendTime is how long one try may wait for its acknowledgement.
const sendTime = 3 * time.Second

// send publishes msg, again and again while no answer comes: its message id
// makes that safe.
func (c *Client) send(ctx context.Context, msg *nats.Msg) (*jetstream.PubAck, error) {
	for {
		attempt, cancel := context.WithTimeout(ctx, sendTime)
		ack, err := c.js.PublishMsg(attempt, msg)
		cancel()
		if !unanswered(err) || ctx.Err() != nil {
			return ack, err
		}
	}
}

func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}
