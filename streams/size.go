package streams

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

// maxReplicas is the most that JetStream keeps of a stream.
const maxReplicas = 5

// sized returns d with the replicas and bytes that the options ask for.
func (d Declarations) sized(options Options) (Declarations, error) {
	if options.Replicas < 0 || options.Replicas > maxReplicas {
		return Declarations{}, fmt.Errorf("replicas: want 1 to %d, or 0 for what is declared", maxReplicas)
	}
	if options.Store < 0 {
		return Declarations{}, errors.New("store: want a number of bytes, or 0 for what is declared")
	}
	var declared int64
	for _, s := range d.Streams {
		declared += max(s.Config.MaxBytes, 0)
	}
	d.Streams = slices.Clone(d.Streams)
	for i := range d.Streams {
		config := &d.Streams[i].Config
		if options.Replicas > 0 {
			config.Replicas = options.Replicas
		}
		if options.Store > 0 && config.MaxBytes > 0 {
			// In floats, since the product of two sizes overflows an int64.
			config.MaxBytes = int64(float64(options.Store) * (float64(config.MaxBytes) / float64(declared)))
			if config.MaxBytes < int64(config.MaxMsgSize) {
				return Declarations{}, fmt.Errorf("store: %d bytes leave stream %s %d, less than one message of %d",
					options.Store, config.Name, config.MaxBytes, config.MaxMsgSize)
			}
		}
	}
	return d, nil
}

// atLeast returns the settings of s, raised to the capacity that the stream has
// already, where the options do not say what it must be: a process that starts
// without the deployment's options must not shrink what an operator has sized.
func (s Stream) atLeast(have jetstream.StreamConfig, options Options) jetstream.StreamConfig {
	want := s.Config
	if options.Replicas == 0 {
		want.Replicas = max(want.Replicas, have.Replicas)
	}
	if options.Store == 0 && want.MaxBytes > 0 && (have.MaxBytes <= 0 || have.MaxBytes > want.MaxBytes) {
		want.MaxBytes = have.MaxBytes
	}
	return want
}
