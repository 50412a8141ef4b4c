package notify

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// past is a fake of the event store: events in the order in which they were stored.
type past struct {
	events []saga.Stored
	errAt  int // which question fails, from 1; 0: none
	asked  int
}

var errAway = errors.New("the event store is away")

func (p *past) LastMatching(_ context.Context, filter string) (saga.Stored, error) {
	p.asked++
	if p.asked == p.errAt {
		return saga.Stored{}, errAway
	}
	for i := len(p.events) - 1; i >= 0; i-- {
		e := p.events[i]
		if !matches(filter, e.Subject(e.Type)) {
			continue
		}
		if e.Data == nil { // as the real store tells what it cannot read
			return saga.Stored{Sequence: e.Sequence, Time: e.Time}, errors.New("header ce-type: want another")
		}
		return e, nil
	}
	return saga.Stored{}, saga.ErrNoEvent
}

// matches reports whether a subject matches a filter, in which * is any one token.
func matches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i := range f {
		if len(f) != len(s) || f[i] != "*" && f[i] != s[i] {
			return false
		}
	}
	return true
}

// at is when an event was stored: so long ago.
type at = time.Duration

// then adds an event of a user's saga. Body is its outcome, or nil.
func (p *past) then(user, sagaID string, t event.Type, age at, body any) *past {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	p.events = append(p.events, saga.Stored{
		Key: event.Key{User: event.UserHash(user), Saga: sagaID}, Type: t, Data: data,
		Sequence: uint64(len(p.events) + 1), Time: time.Now().Add(-age),
	})
	return p
}

// begun, created, completed, failed and twice add events of ada's sagas.
func (p *past) begun(sagaID string) *past {
	return p.then("ada", sagaID, event.TypeTokenVerified, 0, nil)
}

func (p *past) created(sagaID string) *past {
	return p.then("ada", sagaID, event.TypeCreated, 0, nil)
}

func (p *past) completed(sagaID string, age at) *past {
	return p.then("ada", sagaID, event.TypeCompleted, age, event.NewEnded("ada", event.StepCodeDeleter, event.CodeCreated))
}

func (p *past) failed(sagaID string, age at, code event.Code) *past {
	return p.then("ada", sagaID, event.TypeFailed, age, event.NewEnded("ada", event.StepEncryptor, code))
}

func (p *past) twice(sagaID, of string, age at) *past {
	ended := event.NewEnded("ada", event.StepCodeChecker, event.CodeDuplicateRequest)
	ended.Of = of
	return p.then("ada", sagaID, event.TypeFailed, age, ended)
}

// unreadable adds a completion in the headers of a later contract.
func (p *past) unreadable(sagaID string) *past { return p.completed(sagaID, 0).lose() }

// lose makes the last event one that cannot be read.
func (p *past) lose() *past {
	p.events[len(p.events)-1].Data = nil
	return p
}

func message(sagaID string, code event.Code) rooms.Message {
	return rooms.Message{Message: code.Message(), Status: code == event.CodeCreated, Code: string(code), Saga: sagaID}
}

const (
	justNow = at(0)
	inTime  = recent - time.Minute
	tooOld  = recent + time.Minute
)
