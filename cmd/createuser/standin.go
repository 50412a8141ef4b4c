package main

import (
	"context"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/standin"
)

type standInCommand struct{}

// standInSettings are the settings of the stand-in.
type standInSettings struct {
	Mode string `env:"CREATE_USER_MODE" help:"development accepts the fixed development key"`
	Host string `env:"LISTEN_HOST" envDefault:"127.0.0.1" help:"host on which the port is opened"`
	Port uint16 `env:"ENCRYPT_PORT" envDefault:"4005" help:"port of the stand-in"`
	Key  string `env:"ENCRYPT_KEY,required" help:"AES-256 key, 32 bytes"`
}

// Run serves the encryption stand-in until ctx ends.
func (standInCommand) Run(ctx context.Context, t *tool) error {
	settings, err := service.Load[standInSettings](t.vars)
	if err != nil {
		return err
	}
	handler, err := standin.New([]byte(settings.Key))
	if err != nil {
		return fmt.Errorf("ENCRYPT_KEY: %w", err)
	}
	s, err := standin.Start(ctx, service.Address(settings.Host, settings.Port), handler)
	if err != nil {
		return fmt.Errorf("ENCRYPT_PORT: %w", err)
	}
	if err := t.printf("the encryption stand-in listens at %s\n", s.URL()); err != nil {
		return err
	}
	<-ctx.Done()
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return s.Shutdown(stopping)
}
