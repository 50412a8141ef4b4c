// Package images keeps large images beside the event store: an event carries a
// claim check ([event.ImageClaim]), the bytes lie in an object store bucket.
package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// ErrMissing says that the image of a claim is not in the bucket: it expired,
// was deleted, or was never put there.
var ErrMissing = errors.New("the image is not in the bucket")

// Store puts images into the bucket and fetches them. It is safe for
// concurrent use.
type Store struct {
	js jetstream.JetStream

	mu     sync.Mutex
	bucket jetstream.ObjectStore // guarded by mu; opened at first use, so that a service starts without it
}

// New returns the store behind js.
func New(js jetstream.JetStream) *Store { return &Store{js: js} }

func (s *Store) open(ctx context.Context) (jetstream.ObjectStore, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bucket == nil {
		bucket, err := s.js.ObjectStore(ctx, event.BucketImages)
		if err != nil {
			return nil, fmt.Errorf("open the bucket %s: %w", event.BucketImages, err)
		}
		s.bucket = bucket
	}
	return s.bucket, nil
}

// Put stores an image under the saga's id and returns its claim check. Putting
// the same image again is harmless.
func (s *Store) Put(ctx context.Context, saga string, image []byte) (event.ImageClaim, error) {
	bucket, err := s.open(ctx)
	if err != nil {
		return event.ImageClaim{}, err
	}
	if _, err := bucket.PutBytes(ctx, saga, image); err != nil {
		return event.ImageClaim{}, fmt.Errorf("store the image: %w", err)
	}
	return event.NewImageClaim(saga, image), nil
}

// Get fetches the text of an image: that of an inline one, or what its claim
// check stands for. It fails with [ErrMissing] and, when what lies there is not
// what the claim says, with [event.ErrImage].
func (s *Store) Get(ctx context.Context, image event.Image) (string, error) {
	if image.Claim == nil {
		return image.Inline, nil
	}
	bucket, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	data, err := read(ctx, bucket, *image.Claim)
	if err != nil {
		return "", err
	}
	if err := image.Claim.Check(data); err != nil {
		return "", err
	}
	text := string(data)
	if err := event.CheckImage(text); err != nil {
		return "", err
	}
	return text, nil
}

// read reads what lies under a claim, but hardly more than the claim's size:
// whoever put it there may have put anything.
func read(ctx context.Context, bucket jetstream.ObjectStore, claim event.ImageClaim) (data []byte, err error) {
	object, err := bucket.Get(ctx, claim.Ref)
	switch {
	case errors.Is(err, jetstream.ErrObjectNotFound):
		return nil, ErrMissing
	case err != nil:
		return nil, fmt.Errorf("fetch the image: %w", err)
	}
	defer func() { _ = object.Close() }() // it was only read
	if data, err = io.ReadAll(io.LimitReader(object, int64(claim.Size)+1)); err != nil {
		return nil, fmt.Errorf("fetch the image: %w", err)
	}
	return data, nil
}

// Delete removes the saga's image, if there is one.
func (s *Store) Delete(ctx context.Context, saga string) error {
	bucket, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := bucket.Delete(ctx, saga); err != nil && !errors.Is(err, jetstream.ErrObjectNotFound) {
		return fmt.Errorf("delete the image: %w", err)
	}
	return nil
}
