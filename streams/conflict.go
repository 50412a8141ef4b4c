package streams

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Conflict is a declared setting that an existing stream or consumer does not
// have and cannot be given without losing something. [Apply] leaves that stream
// or consumer as it is.
type Conflict struct {
	Stream   string
	Consumer string // empty: it is the stream's setting
	Drift
	Why    string
	Remedy string
}

// Error implements error.
func (c *Conflict) Error() string {
	return fmt.Sprintf("%s: %s: %s; %s", label(c.Stream, c.Consumer), c.Drift, c.Why, c.Remedy)
}

func label(stream, consumer string) string {
	if consumer == "" {
		return "stream " + stream
	}
	return "consumer " + consumer + " on stream " + stream
}

// streamConflict returns why a drift of a stream cannot be mended, nil when it
// can. Source: nats-server, configUpdateCheckLocked in server/stream.go.
func streamConflict(drift Drift, want jetstream.StreamConfig, info *jetstream.StreamInfo) *Conflict {
	c := &Conflict{
		Stream: want.Name, Drift: drift,
		Remedy: fmt.Sprintf("declare what the server has, or, when nothing in the stream is needed any more, "+
			"remove it by hand (nats stream rm %s) and apply again", want.Name),
	}
	switch drift.Field {
	case "storage", "persist_mode", "mirror", "first_seq", "allow_msg_counter":
		c.Why = "JetStream cannot change it on an existing stream"
	case "retention":
		c.Why = "JetStream cannot change it to or from a work queue, and a change to interest drops messages"
	case "sealed", "deny_delete", "deny_purge", "allow_msg_ttl", "allow_msg_schedules":
		if drift.Actual == "true" {
			c.Why = "JetStream cannot switch it off again"
		}
	case "max_age":
		if oldest := info.TimeStamp.Sub(info.State.FirstTime); want.MaxAge > 0 && info.State.Msgs > 0 && oldest > want.MaxAge {
			c.Why = "the stream holds older messages, which would be dropped at once"
			c.Remedy = fmt.Sprintf("to let them go, run nats stream edit %s --max-age=%s, and apply again", want.Name, want.MaxAge)
		}
	case "max_msgs_per_subject":
		lower := info.Config.MaxMsgsPerSubject <= 0 || want.MaxMsgsPerSubject < info.Config.MaxMsgsPerSubject
		if want.MaxMsgsPerSubject > 0 && lower && info.State.Msgs > 0 {
			c.Why = "the stream holds messages, of which some might be dropped at once"
			c.Remedy = fmt.Sprintf("to let them go, run nats stream edit %s --max-msgs-per-subject=%d, and apply again",
				want.Name, want.MaxMsgsPerSubject)
		}
	}
	if c.Why == "" {
		return nil
	}
	return c
}

// consumerConflict is streamConflict for a consumer.
// Source: nats-server, checkNewConsumerConfig in server/consumer.go.
func consumerConflict(drift Drift, want Consumer) *Conflict {
	switch drift.Field {
	case "deliver_policy", "opt_start_seq", "opt_start_time", "ack_policy", "replay_policy", "mem_storage",
		"max_waiting", "deliver_subject", "flow_control", "idle_heartbeat":
	default:
		return nil
	}
	return &Conflict{
		Stream: want.Stream, Consumer: want.Config.Durable, Drift: drift,
		Why:    "JetStream cannot change it on an existing consumer",
		Remedy: "declare what the server has, or " + recreate(want),
	}
}

func recreate(c Consumer) string {
	return fmt.Sprintf("stop the step, remove its consumer by hand (nats consumer rm %s %s) and apply again: "+
		"the step is then given everything in the stream once more", c.Stream, c.Config.Durable)
}

// Error codes of the server that have a remedy of their own.
// Source: nats-server, server/errors.json.
const (
	codeOverlap  jetstream.ErrorCode = 10065
	codeReplicas jetstream.ErrorCode = 10074
	codeStorage  jetstream.ErrorCode = 10047
	codeNoLeader jetstream.ErrorCode = 10008
)

// unanswered reports an error that leaves open what became of a request: no
// answer came, or the cluster is between two leaders.
func unanswered(err error) bool {
	if api, ok := errors.AsType[*jetstream.APIError](err); ok && api.ErrorCode == codeNoLeader {
		return true
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout)
}

// explain adds what can be done about an error of the server.
func explain(err error) error {
	if errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w: start nats-server with -js", err)
	}
	api, ok := errors.AsType[*jetstream.APIError](err)
	if !ok {
		return err
	}
	switch {
	case api.ErrorCode == codeStorage:
		return fmt.Errorf("%w: the streams reserve their bytes; give JetStream more storage (max_file_store, "+
			"or a larger disk), or ask for less (STREAM_STORE)", err)
	case api.ErrorCode == codeReplicas, strings.Contains(api.Description, "no suitable peers"):
		return fmt.Errorf("%w: a stream has at most as many replicas as the cluster has servers (STREAM_REPLICAS)", err)
	case api.ErrorCode == codeOverlap:
		return fmt.Errorf("%w: find it with nats stream ls --subject, and take the subject from it", err)
	case api.ErrorCode == jetstream.JSErrCodeJetStreamNotEnabled, api.ErrorCode == jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return fmt.Errorf("%w: start nats-server with -js, or enable JetStream for the account", err)
	}
	return err
}
