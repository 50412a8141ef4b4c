package saga

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Backlog is what waits for a step, over all its replicas.
type Backlog struct {
	Pending int // events that nobody has taken yet
	Unacked int // events that are in somebody's hands, or wait to be delivered again
	// Oldest is when the oldest of them was stored. Zero when there is none, or when
	// that cannot be told.
	Oldest time.Time
}

// ReadBacklog asks the server what waits for a step. An error beside a backlog
// says why its Oldest cannot be told.
//
// The server does not say how old the oldest unhandled event is, but where it
// stands: it is the first behind the consumer's ack floor that the step
// consumes. That one event is read, and only when there is a backlog.
func ReadBacklog(ctx context.Context, js jetstream.JetStream, step string) (Backlog, error) {
	stream, subject := inputOf(step)
	consumer, err := js.Consumer(ctx, stream, step)
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog of %s: %w", step, err)
	}
	info := consumer.CachedInfo()
	b := Backlog{Pending: int(info.NumPending), Unacked: info.NumAckPending}
	if b.Pending+b.Unacked == 0 {
		return b, nil
	}
	b.Oldest, err = NewStore(js).storedFrom(ctx, stream, info.AckFloor.Stream+1, subject)
	if errors.Is(err, ErrNoEvent) { // handled meanwhile
		return b, nil
	}
	if err != nil {
		return b, fmt.Errorf("read how old the oldest event is that waits for %s: %w", step, err)
	}
	return b, nil
}

// inputOf returns where a step takes its events from: one with a durable
// consumer takes those of one type.
func inputOf(step string) (stream, subject string) {
	for _, s := range event.Path() {
		if s.Name == step && s.Consumes[0] != event.TypeRequested {
			return event.StreamEvents, event.SagaEvents(s.Consumes[0])
		}
	}
	return event.StreamRequests, event.SubjectRequested
}

// storedFrom returns when the first message from sequence on was stored whose
// subject matches filter. It fails with [ErrNoEvent] when there is none.
func (s *Store) storedFrom(ctx context.Context, stream string, sequence uint64, filter string) (time.Time, error) {
	request, err := json.Marshal(map[string]any{"seq": sequence, "next_by_subj": filter})
	if err != nil {
		return time.Time{}, err
	}
	answer, err := s.js.Conn().RequestWithContext(ctx, apiPrefix(s.js)+"STREAM.MSG.GET."+stream, request)
	if err != nil {
		return time.Time{}, err
	}
	return answerTime(answer.Data)
}

// answerTime reads the time alone of a leader's answer: a request need not be
// an event of the store.
func answerTime(data []byte) (time.Time, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Time time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return time.Time{}, fmt.Errorf("decode the answer: %w", err)
	}
	switch {
	case answer.Error == nil:
		return answer.Message.Time, nil
	case answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return time.Time{}, ErrNoEvent
	}
	return time.Time{}, answer.Error
}
