package streams

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamStatus is what a declared stream holds and where it is not as declared.
type StreamStatus struct {
	Name      string
	Missing   bool // the server has no such stream: the rest is zero
	Messages  uint64
	Bytes     uint64
	MaxBytes  int64 // new messages are refused beyond it; -1 is no limit
	First     uint64
	Last      uint64 // sequence of the last message, also when it is gone
	Replicas  int    // as configured
	InSync    int    // replicas that are up to date, the leader among them
	Leader    string // the server's name; empty while there is none
	Drift     []Drift
	Consumers []ConsumerStatus
}

// ConsumerStatus is what a declared consumer still has to do and where it is
// not as declared.
type ConsumerStatus struct {
	Name        string
	Missing     bool   // the server has no such consumer: the rest is zero
	Pending     uint64 // messages that it has not delivered yet
	AckPending  int    // delivered, not acknowledged yet
	Redelivered int    // of those, delivered more than once
	Drift       []Drift
}

// Status reads the state of everything that the built-in declarations name.
// Something missing is no error. The consumer of relay mode is shown where there is
// one.
func Status(ctx context.Context, js jetstream.JetStream) ([]StreamStatus, error) {
	d, err := Load()
	if err != nil {
		return nil, err
	}
	return d.Status(ctx, js)
}

// Status is [Status] for d.
func (d Declarations) Status(ctx context.Context, js jetstream.JetStream) ([]StreamStatus, error) {
	var all []StreamStatus
	for _, s := range d.Streams {
		status, err := streamStatus(ctx, js, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", label(s.Config.Name, ""), explain(err))
		}
		for _, c := range d.Consumers {
			if c.Stream != s.Config.Name {
				continue
			}
			consumer, err := consumerStatus(ctx, js, c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", label(c.Stream, c.Config.Durable), explain(err))
			}
			if consumer.Missing && c.RelayOnly() {
				continue // nothing relays here
			}
			status.Consumers = append(status.Consumers, consumer)
		}
		all = append(all, status)
	}
	return all, nil
}

func streamStatus(ctx context.Context, js jetstream.JetStream, s Stream) (StreamStatus, error) {
	status := StreamStatus{Name: s.Config.Name}
	stream, err := js.Stream(ctx, s.Config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		status.Missing = true
		return status, nil
	}
	if err != nil {
		return status, err
	}
	info := stream.CachedInfo()
	status.Messages, status.Bytes, status.MaxBytes = info.State.Msgs, info.State.Bytes, info.Config.MaxBytes
	status.First, status.Last = info.State.FirstSeq, info.State.LastSeq
	status.Replicas = info.Config.Replicas
	if cluster := info.Cluster; cluster != nil && cluster.Leader != "" {
		status.Leader, status.InSync = cluster.Leader, 1
		for _, peer := range cluster.Replicas {
			if peer.Current && !peer.Offline {
				status.InSync++
			}
		}
	}
	status.Drift, err = compare(s.fields, s.atLeast(info.Config, Options{}), info.Config)
	return status, err
}

func consumerStatus(ctx context.Context, js jetstream.JetStream, c Consumer) (ConsumerStatus, error) {
	status := ConsumerStatus{Name: c.Config.Durable}
	consumer, err := js.Consumer(ctx, c.Stream, c.Config.Durable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrStreamNotFound):
		status.Missing = true
		return status, nil
	case errors.Is(err, jetstream.ErrNotPullConsumer):
		status.Drift = []Drift{{Field: "deliver_subject", Declared: "nothing", Actual: "a push consumer"}}
		return status, nil
	case err != nil:
		return status, err
	}
	info := consumer.CachedInfo()
	status.Pending, status.AckPending, status.Redelivered = info.NumPending, info.NumAckPending, info.NumRedelivered
	status.Drift, err = compare(c.fields, c.Config, info.Config)
	return status, err
}
