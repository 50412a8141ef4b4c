package check

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/create-user/create-user/pkg/service"
)

func probes(vars service.Vars) ([]service.Probe, error) {
	settings, err := service.Load[Settings](vars)
	if err != nil {
		return nil, err
	}
	options, err := settings.Options()
	if err != nil {
		return nil, err
	}
	options.MaxRetries, options.DialerRetries = -1, 1 // a probe tries once
	return []service.Probe{{Name: "redis", Check: func(ctx context.Context) (string, error) { return probe(ctx, options) }}}, nil
}

// probe sees whether Redis answers, and whether it lets scripts write: the claim of
// a code is one.
func probe(ctx context.Context, options *redis.Options) (found string, err error) {
	client := redis.NewClient(options)
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := client.Ping(ctx).Err(); err != nil {
		return "", fmt.Errorf("REDIS_URL: no Redis answers at %s, or it refuses this client: %w", options.Addr, err)
	}
	const key = "create-user:probe"
	const script = `redis.call('SET', KEYS[1], '1', 'PX', 1000); return redis.call('DEL', KEYS[1])`
	if err := client.Eval(ctx, script, []string{key}).Err(); err != nil {
		return "", fmt.Errorf("REDIS_URL: Redis at %s answers, but refuses a script that writes (it needs EVAL, SCRIPT, GET, SET, DEL): %w", options.Addr, err)
	}
	return fmt.Sprintf("%s answers, and runs scripts", options.Addr), nil
}
