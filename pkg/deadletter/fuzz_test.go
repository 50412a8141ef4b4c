package deadletter

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
)

// FuzzLetter gives the reader of dead letters any bytes: what it reads can be
// checked, and holds no message that its key does not open.
func FuzzLetter(f *testing.F) {
	key, err := event.GenerateKey("operators")
	if err != nil {
		f.Fatal(err)
	}
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	l := event.DeadLetter{Step: event.StepEncryptor, Reason: event.ReasonPanic, Errors: []string{"it broke"}, User: "u", Saga: "s-r1", ReplayOf: "s"}
	l.Subject, l.Stream = event.Key{User: "u", Saga: "s-r1"}.Subject(event.TypeCodeChecked), event.StreamEvents
	if l.Message, err = sealer.SealBytes("s-r1", []byte(`{"data":"e30="}`)); err != nil {
		f.Fatal(err)
	}
	genuine, err := json.Marshal(l)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{string(genuine), `{"step":7}`, `{"message":{"kid":"operators"}}`, `{"subject":"user.create..."}`, "null", "", "{"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		letter, err := parse(data, 1)
		if err != nil {
			return
		}
		original, err := Check(letter, opener)
		if err == nil && (len(original.Data) == 0 || letter.Reason == event.ReasonPoison) {
			t.Errorf("%q can be replayed", data)
		}
	})
}

// FuzzOriginal gives a replay any message that was sealed: the headers of the
// new attempt can be read, whatever those of the first one were.
func FuzzOriginal(f *testing.F) {
	key, err := event.GenerateKey("operators")
	if err != nil {
		f.Fatal(err)
	}
	sealer, opener := event.NewSealer(key.Public()), event.NewOpener(key)
	for _, seed := range []string{
		`{"header":{"ce-id":["a"],"ce-sagadeadline":["soon"]},"data":"e30="}`, `{"header":{"ce-id":[]}}`,
		`{"header":{"traceparent":["00-1-2-3"],"Ce-Id":["%"]}}`, `{"data":7}`, "null", "",
	} {
		f.Add([]byte(seed))
	}
	k := event.Key{User: event.UserHash("ada"), Saga: "s-r1"}
	f.Fuzz(func(t *testing.T, plain []byte) {
		message, err := sealer.SealBytes("s", plain)
		if err != nil {
			t.Fatal(err)
		}
		original, err := Original(Letter{DeadLetter: event.DeadLetter{Message: message}}, opener)
		if err != nil {
			return
		}
		deadline := time.Unix(1_800_000_000, 0)
		m, err := event.ParseMeta(meta(original, k, event.TypeCodeChecked, deadline).Header())
		if err != nil || m.Saga != k.Saga || !m.Deadline.Equal(deadline) {
			t.Errorf("the attempt's headers are read as %+v: %v", m, err)
		}
	})
}
