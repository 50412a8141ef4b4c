package deadletter_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// operators hold the key that opens dead letters.
type operators struct {
	*event.Opener
	sealer *event.Sealer
}

func newOperators(t testing.TB) operators {
	t.Helper()
	key, err := event.GenerateKey("operators")
	if err != nil {
		t.Fatal(err)
	}
	return operators{event.NewOpener(key), event.NewSealer(key.Public())}
}

// bury keeps a dead letter of original as a step would, changed by change.
func (o operators) bury(t testing.TB, s *sagatest.Server, k event.Key, original event.Original, change func(*event.DeadLetter)) {
	t.Helper()
	plain, err := json.Marshal(original)
	if err != nil {
		t.Fatal(err)
	}
	letter := event.DeadLetter{
		Step: event.StepEncryptor, Reason: event.ReasonDeliveryLimit, Errors: []string{"it broke"},
		Subject: k.Subject(event.TypeCodeChecked), Stream: event.StreamEvents, Sequence: 7, Died: time.Now(), Deliveries: 10,
		User: k.User, Saga: k.Saga,
	}
	if letter.Message, err = o.sealer.SealBytes(k.Saga, plain); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&letter)
	}
	data, err := json.Marshal(letter)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, s, k, data)
}

// keep stores any bytes as a dead letter.
func keep(t testing.TB, s *sagatest.Server, k event.Key, data []byte) {
	t.Helper()
	msg := &nats.Msg{Subject: k.DeadLetterSubject(event.StepEncryptor), Data: data}
	if _, err := s.JS().PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

// body is a message as a step took it.
func body(t testing.TB, b event.Body, m event.Meta) event.Original {
	t.Helper()
	data, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return event.Original{Header: m.Header(), Data: data}
}

// list returns the numbers of the letters that Each hands out.
func list(t testing.TB, box *deadletter.Box) []uint64 {
	t.Helper()
	var numbers []uint64
	if err := box.Each(t.Context(), func(l deadletter.Letter) error {
		numbers = append(numbers, l.Number)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return numbers
}

func get(t testing.TB, box *deadletter.Box, number uint64) deadletter.Letter {
	t.Helper()
	l, err := box.Get(t.Context(), number)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
