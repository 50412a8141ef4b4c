package bridge

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/service"
)

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err == nil {
		err = settings.validate()
	}
	if err != nil {
		return nil, err
	}
	options, err := settings.options()
	if err != nil {
		return nil, err
	}
	options.DialerRetries = 1 // a probe tries once
	return []service.Probe{{Name: "bull", Check: func(ctx context.Context) (string, error) {
		return probe(ctx, options, settings.base())
	}}}, nil
}

// probe sees whether Redis answers, and what waits in the queue.
func probe(ctx context.Context, options *redis.Options, base string) (found string, err error) {
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	waiting, err := client.LLen(ctx, base+":wait").Result()
	if err != nil {
		return "", fmt.Errorf("BULL_REDIS_URL: no Redis answers at %s, or it refuses this client: %w", options.Addr, err)
	}
	return fmt.Sprintf("%s answers; %d jobs wait in %s", options.Addr, waiting, base), nil
}
