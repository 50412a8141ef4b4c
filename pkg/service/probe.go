package service

import "context"

// Probe is one thing that a service needs from outside, and how to see whether it
// is there.
type Probe struct {
	Name string // such as "redis"
	// Check returns what was found, in a few words. Its error says exactly what is
	// wrong, names the setting and the remedy, and holds no secret.
	Check func(ctx context.Context) (string, error)
}
