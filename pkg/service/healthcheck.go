package service

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// healthcheckTimeout is how long the probe of a container may take.
const healthcheckTimeout = 3 * time.Second

// healthcheck asks the service that runs with the same settings whether it is
// ready, as the health check of a container without a shell does.
func healthcheck(ctx context.Context, environ Vars) error {
	vars, err := WithDotEnv(environ, DotEnvFile)
	if err != nil {
		return err
	}
	settings, err := Load[probeSettings](vars)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	url := "http://" + LocalAddress(settings.ListenHost, settings.MetricsPort) + "/readyz"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("LISTEN_HOST: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("METRICS_PORT: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if answer.StatusCode != http.StatusOK {
		found, _ := io.ReadAll(io.LimitReader(answer.Body, 4<<10)) // the status says enough
		return fmt.Errorf("not ready: %s", strings.TrimSpace(string(found)))
	}
	return nil
}

// probeSettings say where a service answers probes.
type probeSettings struct {
	ListenHost  string `env:"LISTEN_HOST" envDefault:"127.0.0.1"`
	MetricsPort uint16 `env:"METRICS_PORT" envDefault:"9090" legacy:"PORT"`
}
