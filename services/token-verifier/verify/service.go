package verify

import (
	"context"
	"fmt"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/images"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/token"
)

// Settings are the service's own settings.
type Settings struct {
	token.Settings
	SealKey string `env:"SEAL_PUBLIC_KEY,required" help:"the encryptor's public key (createuser keygen)"`
}

// batch bounds how many requests are in hand at once: each may be a megabyte.
const batch = 16

// Description describes the token-verifier.
func Description() service.Description {
	return service.Description{
		Name:     event.StepTokenVerifier,
		About:    "verifies the token of each registration request and begins its saga",
		Help:     service.WriteHelp[Settings],
		Describe: service.Describe[Settings],
		Probes:   probes,
	}
}

// Service returns the token-verifier.
func Service() service.Service { return service.Service{Description: Description(), Run: run} }

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return nil, err
	}
	if _, err := event.ParsePublicKey(settings.SealKey); err != nil {
		return nil, fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	return []service.Probe{{Name: "token keys", Check: settings.Check}}, nil
}

func run(ctx context.Context, env *service.Env) error {
	settings, err := service.Load[Settings](env.Vars)
	if err != nil {
		return err
	}
	key, err := event.ParsePublicKey(settings.SealKey)
	if err != nil {
		return fmt.Errorf("SEAL_PUBLIC_KEY: %w", err)
	}
	tokens, err := settings.Verifier(ctx, env.Logger)
	if err != nil {
		return err
	}
	defer tokens.Close()
	v := verifier{tokens: tokens, sealer: event.NewSealer(key), images: images.New(env.JS)}
	return saga.Run(ctx, env.Saga, saga.Step[event.Requested, event.TokenVerified]{
		Name:   event.StepTokenVerifier,
		Decode: event.DecodeRequested,
		Handle: saga.Each(batch, v.verify),
		Batch:  batch,
	})
}
