package encrypt

import (
	"context"
	"errors"
	"fmt"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/soap"
)

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return nil, err
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	if _, err := event.ParsePrivateKeys(settings.PrivateKeys); err != nil {
		return nil, fmt.Errorf("SEAL_PRIVATE_KEYS: %w", err)
	}
	return []service.Probe{{Name: "encryption", Check: settings.probe}}, nil
}

// probe has probe values encrypted, and sees whether the service needs what
// ENCRYPT_XML says.
func (s Settings) probe(ctx context.Context) (string, error) {
	client, err := soap.New(soap.Config{URL: s.URL, Timeout: s.Timeout, Connections: 1})
	if err != nil {
		return "", fmt.Errorf("ENCRYPT_URL: %w", err)
	}
	defer client.Close()
	unescapes, err := client.Unescapes(ctx)
	switch {
	case errors.Is(err, soap.ErrCannotTell):
		return fmt.Sprintf("it encrypts; ENCRYPT_XML=%s could not be checked: %v", s.XML, err), nil
	case err != nil:
		return "", fmt.Errorf("ENCRYPT_URL: the encryption service does not encrypt a probe value: %w", err)
	case unescapes && s.XML == xmlRaw:
		return "", errors.New("ENCRYPT_XML: this service reads XML's escapes, and would refuse or misread raw values: set ENCRYPT_XML=standard")
	case !unescapes && s.XML == xmlStandard:
		return "", errors.New("ENCRYPT_XML: this service never unescapes, so a password with & < > ' \" would be encrypted in its escaped form: set ENCRYPT_XML=raw")
	}
	return "it encrypts, and needs ENCRYPT_XML=" + s.XML, nil
}
