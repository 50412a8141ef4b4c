// Package verify is the first step of the saga: it validates a request,
// verifies that the token is the user's, seals clear credentials, and puts a
// large image aside.
package verify

import (
	"context"
	"errors"
	"fmt"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/token"
)

// tokens verifies that a token is valid and belongs to the user with id. It
// fails with token.ErrInvalid or token.ErrUnavailable.
type tokens interface {
	Verify(ctx context.Context, tok, id string) error
}

// imageStore puts a large image aside under the saga's id.
type imageStore interface {
	Put(ctx context.Context, saga string, image []byte) (event.ImageClaim, error)
}

var _ imageStore = (*images.Store)(nil)

type verifier struct {
	tokens tokens
	sealer *event.Sealer
	images imageStore
}

// verify handles one request.
func (v verifier) verify(ctx context.Context, e saga.Event[event.Requested]) (event.TokenVerified, error) {
	if err := v.verifyToken(ctx, e.Body); err != nil {
		return event.TokenVerified{}, err
	}
	sealed, err := v.seal(e)
	if err != nil {
		return event.TokenVerified{}, err
	}
	image, err := v.putAside(ctx, e)
	if err != nil {
		return event.TokenVerified{}, err
	}
	return event.TokenVerified{
		ID: e.Body.ID, Code: e.Body.Code, Sealed: sealed, Username: e.Body.Username, Image: image,
	}, nil
}

func (v verifier) verifyToken(ctx context.Context, r event.Requested) error {
	err := v.tokens.Verify(ctx, r.Token, r.ID)
	switch {
	case errors.Is(err, token.ErrInvalid):
		return saga.Reject(event.CodeSessionExpired, err)
	case errors.Is(err, token.ErrUnavailable):
		return saga.Unavailable(err)
	}
	return err
}

// seal returns the sealed credentials: those of the publisher, which must have
// been sealed for this very registration, or clear ones, sealed now.
func (v verifier) seal(e saga.Event[event.Requested]) (event.Sealed, error) {
	if given := e.Body.Sealed; given != nil {
		if !event.SameRegistration(given.Saga, e.Saga) {
			return event.Sealed{}, saga.Reject(event.CodeInvalidRequest,
				errors.New("Sealed: was sealed for another message id"))
		}
		return *given, nil
	}
	return v.sealer.Seal(e.Saga, event.Credentials{Phone: e.Body.Phone, Password: e.Body.Password})
}

// putAside makes a claim check of a large image.
func (v verifier) putAside(ctx context.Context, e saga.Event[event.Requested]) (event.Image, error) {
	image := e.Body.Image
	switch {
	case image.Claim != nil && !event.SameRegistration(image.Claim.Ref, e.Saga):
		return event.Image{}, saga.Reject(event.CodeInvalidRequest,
			errors.New("Image: ref must be the request's message id"))
	case len(image.Inline) <= event.InlineImage:
		return image, nil
	}
	claim, err := v.images.Put(ctx, e.Saga, []byte(image.Inline))
	if err != nil {
		return event.Image{}, saga.Unavailable(fmt.Errorf("put the image aside: %w", err))
	}
	return event.Image{Claim: &claim}, nil
}
