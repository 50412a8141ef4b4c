package soap

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"

	gowsdl "github.com/hooklift/gowsdl/soap"

	"github.com/create-user/create-user/services/encryptor/soap/wsdl"
)

// rawEncryption is the service's port for services that do not unescape.
type rawEncryption struct{ client *gowsdl.Client }

// rawRequest is an EncryptRequest whose content is sent as it is.
type rawRequest struct {
	XMLName xml.Name `xml:"http://encrypt.com/ EncryptRequest"`
	Content string   `xml:",innerxml"`
}

// Encrypt implements [wsdl.Encryption].
func (r rawEncryption) Encrypt(request *wsdl.EncryptRequest) (*wsdl.EncryptResponse, error) {
	return r.EncryptContext(context.Background(), request)
}

// EncryptContext implements [wsdl.Encryption].
func (r rawEncryption) EncryptContext(ctx context.Context, request *wsdl.EncryptRequest) (*wsdl.EncryptResponse, error) {
	raw := rawRequest{Content: "<phone>" + request.Phone + "</phone><password>" + request.Password + "</password>"}
	response := new(wsdl.EncryptResponse)
	if err := r.client.CallContext(ctx, "http://encrypt.com/Encrypt", &raw, response); err != nil {
		return nil, err
	}
	return response, nil
}

// ErrCannotTell is that a service's answers do not show whether it unescapes.
var ErrCannotTell = errors.New("the service's answers are of one length, whatever it encrypts: they do not show whether it unescapes XML")

// Unescapes reports whether the service reads XML's escapes. c must not be
// [Config.Raw]. Two values of equal length are encrypted, of which the second grows
// fivefold when it is escaped. Random nonces change what an encryption of it looks
// like, but not how long it is: it is longer only where the escapes were encrypted.
func (c *Client) Unescapes(ctx context.Context) (bool, error) {
	const length = 16
	lengthOf := func(value string) (int, error) {
		answer, err := c.Encrypt(ctx, value, value)
		return len(answer.Password), err
	}
	plain, err := lengthOf(strings.Repeat("a", length))
	if err != nil {
		return false, fmt.Errorf("encrypt a probe value: %w", err)
	}
	escaped, err := lengthOf(strings.Repeat("&", length))
	if err != nil {
		return false, fmt.Errorf("encrypt a probe value with escapes: %w", err)
	}
	if escaped != plain {
		return false, nil
	}
	long, err := lengthOf(strings.Repeat("a", length*len("&amp;")))
	if err != nil {
		return false, fmt.Errorf("encrypt a long probe value: %w", err)
	}
	if long == plain {
		return false, ErrCannotTell
	}
	return true, nil
}
