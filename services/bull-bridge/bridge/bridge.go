// Package bridge hands the jobs of an existing Bull queue over to Create User: a
// job is completed once its request is stored, and its value is the saga's id.
//
// A job may be handed over twice, at worst twice at once: its worker died, or was
// taken for dead. The saga's id is derived from the job, so the second request is
// the same one, and makes no second saga.
package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/services/bull-bridge/bull"
)

// publisher is what the bridge needs of the SDK.
type publisher interface {
	// Request publishes a valid request. A [*event.FieldError] says that it is none.
	Request(ctx context.Context, r client.Registration) (string, error)
	// Refuse publishes one that its saga answers with invalid_request.
	Refuse(ctx context.Context, r client.Registration) error
}

var _ publisher = (*client.Client)(nil)

type bridge struct {
	sdk   publisher
	queue string // prefix and name
	log   zerolog.Logger
}

const (
	firstWait   = 250 * time.Millisecond // before a request is published again
	longestWait = 5 * time.Second
	tooLarge    = 30 * time.Second // before one that NATS refuses for its size is tried again
)

// forward hands over one job and returns the saga's id. It fails only when there
// is nobody whom an outcome could reach. While the request cannot be stored it
// tries again, until ctx ends.
func (b bridge) forward(ctx context.Context, job bull.Job) (any, error) {
	r, invalid := registration(job)
	if errors.Is(invalid, event.ErrUnreadable) {
		return nil, fmt.Errorf("the job's data make no request: %w", invalid)
	}
	r.Key, r.KeyOfID = sagaID(b.queue, job, r.ID), true
	log := b.log.With().Str("saga", r.Key).Str("job", job.ID).Logger()
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := b.publish(ctx, r, invalid, log)
		switch {
		case err == nil:
			log.Debug().Msg("the request is stored")
			return r.Key, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case exceedsSize(err):
			log.Error().Err(err).Msg("NATS refuses a request for its size: raise max_payload, and the stream's max_msg_size")
			return nil, bull.Postpone(err, tooLarge)
		}
		log.Warn().Err(err).Msg("cannot store a request: trying again")
		pause(ctx, wait)
	}
}

// publish publishes the request, or one that is refused when it is invalid.
func (b bridge) publish(ctx context.Context, r client.Registration, invalid error, log zerolog.Logger) error {
	if invalid == nil {
		_, err := b.sdk.Request(ctx, r)
		if field, ok := errors.AsType[*event.FieldError](err); ok {
			invalid = field
		} else {
			return err
		}
	}
	log.Info().Err(invalid).Msg("the job's data are no valid request")
	return b.sdk.Refuse(ctx, r)
}

// registration reads a job's data. An error of [event.ErrUnreadable] says that
// nobody can be told; with any other, at least the Id was read.
func registration(job bull.Job) (client.Registration, error) {
	request, err := event.DecodeRequested(job.Data)
	if err == nil && (request.Sealed != nil || request.Image.Claim != nil) {
		err = errors.New("Sealed, or the claim check of an image: what stands for another saga")
	}
	return client.Registration{
		ID: request.ID, Token: request.Token, Code: request.Code, Phone: request.Phone,
		Password: request.Password, Username: request.Username, Image: request.Image.Inline,
	}, err
}

// sagaID derives the saga's id from what is a job's own: a queue that was emptied
// gives out its ids anew, but not at the same time; and two servers may have
// queues of one name, but hardly a job of the same id, time and user.
func sagaID(queue string, job bull.Job, user string) string {
	hash := sha256.New()
	for _, part := range []string{queue, job.ID, job.Added, user} {
		fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	return "bull-" + hex.EncodeToString(hash.Sum(nil)[:16])
}

// sizeCode is JetStream's error "message size exceeds maximum allowed".
const sizeCode jetstream.ErrorCode = 10054

// exceedsSize reports whether a request can never be stored as NATS is set.
func exceedsSize(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return errors.Is(err, nats.ErrMaxPayload) || ok && api.ErrorCode == sizeCode
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
