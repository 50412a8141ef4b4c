package notify

import (
	"context"
	"fmt"

	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/services/notifier/relay"
)

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return nil, err
	}
	relays, err := settings.Relays()
	switch {
	case err != nil:
		return nil, err
	case relays:
		return []service.Probe{{Name: "socket.io", Check: settings.RelaySettings.probe}}, nil
	case settings.Auth == "off":
		return nil, nil
	}
	return []service.Probe{{Name: "token keys", Check: settings.Check}}, nil
}

// probe connects to the existing Socket.IO server once.
func (s RelaySettings) probe(ctx context.Context) (string, error) {
	client, err := relay.New(relay.Options{URL: s.URL, Token: s.Token})
	if err == nil {
		err = client.Try(ctx)
	}
	if err != nil {
		return "", fmt.Errorf("NOTIFIER_RELAY_URL: no Socket.IO 4 server lets us in there: %w", err)
	}
	return "the Socket.IO server lets us in", nil
}
