// Package encrypt is the third step of the saga: it opens the sealed
// credentials and has the SOAP encryption service encrypt them.
package encrypt

import (
	"context"
	"errors"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/encryptor/soap"
)

// encryptionService encrypts the values of one user. Its errors are those of
// the soap package.
type encryptionService interface {
	Encrypt(ctx context.Context, phone, password string) (soap.Encrypted, error)
}

// unusableTries is how many unusable answers an event may get before the
// service counts as staying unusable.
const unusableTries = 5

type encryptor struct {
	opener  *event.Opener
	service encryptionService
}

// encrypt handles one event.
func (c encryptor) encrypt(ctx context.Context, e saga.Event[event.CodeChecked]) (event.Encrypted, error) {
	credentials, err := c.open(e.Body.Sealed)
	if err != nil {
		return event.Encrypted{}, err
	}
	encrypted, err := c.service.Encrypt(ctx, credentials.Phone, credentials.Password)
	if err != nil {
		return event.Encrypted{}, judge(ctx, err, e.Delivery)
	}
	return event.Encrypted{
		ID: e.Body.ID, EncryptedPhone: encrypted.Phone, EncryptedPassword: encrypted.Password,
		Username: e.Body.Username, Image: e.Body.Image,
	}, nil
}

// open opens the credentials. A key that is not here may be one that the
// operator has yet to deploy: the event is tried again, and kept as a dead
// letter if the key does not come. It is not held, since it would stand in the
// way of those whose key is here. What cannot be opened was not sealed by the
// rules, which is the publisher's fault.
func (c encryptor) open(s event.Sealed) (event.Credentials, error) {
	credentials, err := c.opener.Open(s)
	_, outOfRange := errors.AsType[*event.FieldError](err)
	if errors.Is(err, event.ErrNotSealed) || outOfRange {
		return event.Credentials{}, saga.Reject(event.CodeInvalidRequest, err)
	}
	return credentials, err
}

// judge says what an error of the encryption service means for the saga. A
// fault is the service's word about these values; a service that is away is
// waited for; one that keeps answering nonsense ends the saga after a few tries.
func judge(ctx context.Context, err error, delivery int) error {
	_, isFault := errors.AsType[*soap.Fault](err)
	switch {
	case isFault, errors.Is(err, soap.ErrValue), errors.Is(err, soap.ErrUnusable) && delivery >= unusableTries:
		return saga.Reject(event.CodeEncryptionFailed, err)
	case errors.Is(err, soap.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), ctx.Err() != nil:
		return saga.Unavailable(err)
	}
	return err
}
