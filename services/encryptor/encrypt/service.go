package encrypt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/soap"
)

// Settings are the service's own settings.
type Settings struct {
	URL         string        `env:"ENCRYPT_URL" envDefault:"http://127.0.0.1:4005/" legacy:"http://127.0.0.1:{PORT_ENCRYPT}/" help:"the SOAP encryption service; https:// for TLS"`
	XML         string        `env:"ENCRYPT_XML" envDefault:"standard" help:"raw: send values without XML's escapes, for services that never unescape (createuser config encryptor tells)"`
	Timeout     time.Duration `env:"ENCRYPT_TIMEOUT" envDefault:"4s" help:"time for one call; below SAGA_HANDLE_TIMEOUT"`
	Concurrency int           `env:"ENCRYPT_CONCURRENCY" envDefault:"16" help:"calls at once, for each batch in hand"`
	PrivateKeys string        `env:"SEAL_PRIVATE_KEYS,required" secret:"true" help:"keys that open credentials, separated by commas, the current one first (createuser keygen)"`
}

// The values of ENCRYPT_XML.
const (
	xmlStandard = "standard"
	xmlRaw      = "raw"
)

// Validate returns an error that names a setting which cannot work.
func (s Settings) Validate() error {
	switch {
	case s.XML != xmlStandard && s.XML != xmlRaw:
		return fmt.Errorf("ENCRYPT_XML: want %s or %s, have %q", xmlStandard, xmlRaw, s.XML)
	case s.Timeout <= 0:
		return errors.New("ENCRYPT_TIMEOUT: must be above 0")
	case s.Concurrency <= 0:
		return errors.New("ENCRYPT_CONCURRENCY: must be above 0")
	}
	return nil
}

// Description describes the encryptor.
func Description() service.Description {
	return service.Description{
		Name:     event.StepEncryptor,
		About:    "has the credentials of each registration encrypted by the SOAP encryption service",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// Service returns the encryptor.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

func run(ctx context.Context, env *service.Env) error {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	if err := settings.Validate(); err != nil {
		return err
	}
	keys, err := event.ParsePrivateKeys(settings.PrivateKeys)
	if err != nil {
		return fmt.Errorf("SEAL_PRIVATE_KEYS: %w", err)
	}
	client, err := soap.New(soap.Config{
		URL: settings.URL, Timeout: settings.Timeout, Raw: settings.XML == xmlRaw,
		Connections: settings.Concurrency * env.Saga.Loops, // so that no call waits for one
		Tracing:     env.Tracing,
	})
	if err != nil {
		return fmt.Errorf("ENCRYPT_URL: %w", err)
	}
	defer client.Close()
	e := encryptor{opener: event.NewOpener(keys...), service: client}
	return saga.Run(ctx, env.Saga, saga.Step[event.CodeChecked, event.Encrypted]{
		Name: event.StepEncryptor, Handle: saga.Each(settings.Concurrency, e.encrypt),
	})
}
