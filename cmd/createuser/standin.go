package main

import (
	"context"
	"fmt"
	"time"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/encryptor/soap"
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

type healthCommand struct{}

// healthCheckTime is how long the health check of a container may take.
const healthCheckTime = 3 * time.Second

// Run has the stand-in that runs with the same settings encrypt something, as the
// health check of its container does.
func (healthCommand) Run(ctx context.Context, t *tool) error {
	settings, err := service.Load[standInSettings](t.vars)
	if err != nil {
		return err
	}
	client, err := soap.New(soap.Config{
		URL: "http://" + service.LocalAddress(settings.Host, settings.Port) + "/", Timeout: healthCheckTime, Connections: 1,
	})
	if err != nil {
		return fmt.Errorf("ENCRYPT_PORT: %w", err)
	}
	defer client.Close()
	if _, err := client.Encrypt(ctx, "phone", "password"); err != nil {
		return fmt.Errorf("the stand-in does not encrypt: %w", err)
	}
	return nil
}
