package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Backlog is what waits for a step, over all its replicas.
type Backlog struct {
	Pending int // events that nobody has taken yet
	Unacked int // events that are in somebody's hands, or wait to be delivered again
}

// ReadBacklog asks the server what waits for a step. It asks for the step's own
// consumer alone, which a service is allowed to.
func ReadBacklog(ctx context.Context, js jetstream.JetStream, step string) (Backlog, error) {
	consumer, err := js.Consumer(ctx, inputOf(step), step)
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog of %s: %w", step, err)
	}
	info := consumer.CachedInfo()
	return Backlog{Pending: int(info.NumPending), Unacked: info.NumAckPending}, nil
}

// OldestRequest returns when the oldest request was stored whose saga has not
// begun. Zero: there is none. A request leaves the inbox when its saga begins, so it
// is the first that stands there.
func OldestRequest(ctx context.Context, js jetstream.JetStream) (time.Time, error) {
	request := fmt.Appendf(nil, `{"seq": 1, "next_by_subj": %q}`, event.SubjectRequested)
	msg, err := js.Conn().RequestWithContext(ctx, apiPrefix(js)+"STREAM.MSG.GET."+event.StreamRequests, request)
	if err != nil {
		return time.Time{}, fmt.Errorf("read since when requests wait: %w", err)
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(msg.Data, &answer); err != nil {
		return time.Time{}, fmt.Errorf("read since when requests wait: decode the answer: %w", err)
	}
	if answer.Error != nil && answer.Error.ErrorCode != jetstream.JSErrCodeMessageNotFound {
		return time.Time{}, fmt.Errorf("read since when requests wait: %w", answer.Error)
	}
	return answer.Message.Time, nil
}

// inputOf returns the stream that a step takes from.
func inputOf(step string) string {
	for _, s := range event.Path() {
		if s.Name == step && s.Consumes[0] == event.TypeRequested {
			return event.StreamRequests
		}
	}
	return event.StreamEvents
}
