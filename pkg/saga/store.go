package saga

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// Stored is an event as it stands in the event store.
type Stored struct {
	event.Key
	Type     event.Type
	Meta     event.Meta
	Data     []byte
	Sequence uint64
	Time     time.Time
}

// Store is the event store: it appends to the histories of sagas and reads
// them. It is safe for concurrent use.
type Store struct {
	js     jetstream.JetStream
	direct string // the subject prefix of direct gets, which any replica answers
	leader string // the subject of gets that the leader answers
}

// NewStore returns the event store that js reaches.
func NewStore(js jetstream.JetStream) *Store {
	api := apiPrefix(js)
	return &Store{
		js:     js,
		direct: api + "DIRECT.GET." + event.StreamEvents + ".",
		leader: api + "STREAM.MSG.GET." + event.StreamEvents,
	}
}

// apiPrefix returns what the subjects of js's API begin with.
func apiPrefix(js jetstream.JetStream) string {
	switch o := js.Options(); {
	case o.Domain != "":
		return "$JS." + o.Domain + ".API."
	case o.APIPrefix != "":
		return strings.TrimSuffix(o.APIPrefix, ".") + "."
	}
	return jetstream.DefaultAPIPrefix
}

// Errors of the event store.
var (
	// ErrMoved: the saga's history has grown since the event that was to be followed.
	ErrMoved = errors.New("the saga has moved on")
	// ErrNoEvent: no stored event matches.
	ErrNoEvent = errors.New("no such event")
)

// API error codes of the server for an expectation that does not hold, for one
// that cannot be decided because another write is in flight (on R3), and for an
// event that is larger than the stream takes. Source: nats-server, server/errors.json.
const (
	codeWrongLastSequence         jetstream.ErrorCode = 10071
	codeWrongLastSequenceConstant jetstream.ErrorCode = 10164
	codeMessageTooLarge           jetstream.ErrorCode = 10054
)

// Append appends an event to its saga's history behind the event at sequence
// after (0: as the first) and waits until it is stored. It fails with
// [ErrMoved] when that is not the last event any more, and with a [Poison] error
// when the event is too large ever to be stored; any other error leaves open
// whether it is stored.
func (s *Store) Append(ctx context.Context, m event.Meta, k event.Key, data []byte, after uint64) error {
	future, err := s.js.PublishMsgAsync(&nats.Msg{
		Subject: k.Subject(m.Type), Header: newAppendHeader().of(m, k, after), Data: data,
	})
	if err != nil {
		return appendError(m.Type, err)
	}
	select {
	case <-future.Ok():
		return nil
	case err := <-future.Err():
		return appendError(m.Type, err)
	case <-ctx.Done():
		return appendError(m.Type, fmt.Errorf("wait for the acknowledgement: %w", ctx.Err()))
	}
}

// appendError says what an error of publishing means for an append. No error is
// one that it stays.
func appendError(what event.Type, err error) error {
	api, ok := errors.AsType[*jetstream.APIError](err)
	switch {
	case err == nil:
		return nil
	case ok && (api.ErrorCode == codeWrongLastSequence || api.ErrorCode == codeWrongLastSequenceConstant):
		return fmt.Errorf("append %s: %w", what, ErrMoved)
	case tooLarge(err):
		return Poison(fmt.Errorf("append %s: %w", what, err))
	}
	return fmt.Errorf("append %s: %w", what, err)
}

// tooLarge reports whether err is the refusal of a message that is larger than
// the connection or the stream takes.
func tooLarge(err error) bool {
	api, ok := errors.AsType[*jetstream.APIError](err)
	return ok && api.ErrorCode == codeMessageTooLarge || errors.Is(err, nats.ErrMaxPayload)
}

// Last returns the last event of a saga, as [Store.LastMatching] does.
func (s *Store) Last(ctx context.Context, k event.Key) (Stored, error) {
	return s.LastMatching(ctx, k.History())
}

// LastMatching returns the last event whose subject matches filter, which may
// hold wildcards. It fails with [ErrNoEvent] when there is none.
//
// It asks the stream's leader, so that on a cluster an event that was stored, or
// delivered to anyone, is seen. (ADR-31 of nats-io/nats-architecture-and-design
// says what a direct get may miss.)
func (s *Store) LastMatching(ctx context.Context, filter string) (Stored, error) {
	request, err := json.Marshal(map[string]string{"last_by_subj": filter})
	if err != nil {
		return Stored{}, fmt.Errorf("read the last event: %w", err)
	}
	answer, err := s.js.Conn().RequestWithContext(ctx, s.leader, request)
	if err != nil {
		return Stored{}, fmt.Errorf("read the last event: %w", err)
	}
	return parseAnswer(answer.Data)
}

// parseAnswer reads the leader's answer: the API's JSON, in which header and
// data are base64.
func parseAnswer(data []byte) (Stored, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return Stored{}, fmt.Errorf("read the last event: decode the answer: %w", err)
	}
	switch {
	case answer.Error == nil:
	case answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return Stored{}, ErrNoEvent
	default:
		return Stored{}, fmt.Errorf("read the last event: %w", answer.Error)
	}
	var header nats.Header
	if len(answer.Message.Header) > 0 {
		var err error
		if header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return Stored{Sequence: answer.Message.Sequence, Time: answer.Message.Time}, fmt.Errorf("read the last event: headers: %w", err)
		}
	}
	stored, err := ParseStored(answer.Message.Subject, header, answer.Message.Data)
	stored.Sequence, stored.Time = answer.Message.Sequence, answer.Message.Time
	return stored, err
}

// LastOf returns the last event of type t of a saga. It fails with [ErrNoEvent]
// when there is none. It is a direct get: any replica may answer, so one that
// was stored a moment ago may be missing.
func (s *Store) LastOf(ctx context.Context, k event.Key, t event.Type) (Stored, error) {
	msg, sequence, err := s.last(ctx, k.Subject(t))
	if err != nil {
		return Stored{}, err
	}
	stored, err := ParseStored(msg.Header.Get(jetstream.SubjectHeader), msg.Header, msg.Data)
	stored.Sequence = sequence
	return stored, err
}

// Position returns the type and sequence of a saga's last event, also when its
// headers are those of a later version of the contract. It fails with
// [ErrNoEvent]. It is a direct get: any replica may answer, and one that lags
// with an earlier event.
func (s *Store) Position(ctx context.Context, k event.Key) (event.Type, uint64, error) {
	msg, sequence, err := s.last(ctx, k.History())
	if err != nil {
		return "", 0, err
	}
	t, _, err := event.ParseSubject(msg.Header.Get(jetstream.SubjectHeader))
	return t, sequence, err
}

// last asks for the last message whose subject matches filter. The answer's
// headers are those of the stored message beside its own.
//
// It speaks the direct-get API itself, because the client library's call first
// asks for the stream's information, which a service needs no permission for.
// Source: ADR-31 of nats-io/nats-architecture-and-design.
func (s *Store) last(ctx context.Context, filter string) (*nats.Msg, uint64, error) {
	msg, err := s.js.Conn().RequestMsgWithContext(ctx, nats.NewMsg(s.direct+filter))
	if err != nil {
		return nil, 0, fmt.Errorf("read the last event: %w", err)
	}
	switch status := msg.Header.Get("Status"); status {
	case "":
	case "404":
		return nil, 0, ErrNoEvent
	default:
		return nil, 0, fmt.Errorf("read the last event: status %s %s", status, msg.Header.Get("Description"))
	}
	sequence, err := strconv.ParseUint(msg.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("read the last event: sequence: %w", err)
	}
	return msg, sequence, nil
}

// ParseStored reads an event of the event store from its message. Sequence and
// Time are left to the caller. An event whose headers cannot be read still has
// its Key and Type.
func ParseStored(subject string, header nats.Header, data []byte) (Stored, error) {
	t, k, err := event.ParseSubject(subject)
	if err != nil {
		return Stored{}, err
	}
	m, err := event.ParseMeta(header)
	if err != nil {
		return Stored{Key: k, Type: t}, fmt.Errorf("event %s of saga %s: %w", t, k.Saga, err)
	}
	return Stored{Key: k, Type: t, Meta: m, Data: data}, nil
}
