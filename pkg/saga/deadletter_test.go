package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// encrypting is a step whose saga has a first event from which its user is known.
func encrypting(work func(context.Context, saga.Event[event.CodeChecked]) error) saga.Step[event.CodeChecked, event.Encrypted] {
	return saga.Step[event.CodeChecked, event.Encrypted]{
		Name: event.StepEncryptor,
		Handle: saga.Each(8, func(ctx context.Context, e saga.Event[event.CodeChecked]) (event.Encrypted, error) {
			return event.Encrypted{ID: e.Body.ID}, work(ctx, e)
		}),
	}
}

func TestRun_PoisonBecomesADeadLetter(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepEncryptor)
	verbs := settlements(t, s)
	sagatest.Run(s, encrypting(func(context.Context, saga.Event[event.CodeChecked]) error {
		t.Error("poison reached the handler")
		return nil
	}))
	k := begin(s, "ada")
	poison := []byte(`{"id":"ada","username":` + secretCode + `,"note":"` + secretPassword + `"}`)
	sequence := s.AppendRaw(event.TypeCodeChecked, poison, k, time.Time{})

	letter := s.DeadLetters(1)[0]
	want := event.DeadLetter{
		Step: event.StepEncryptor, Reason: event.ReasonPoison,
		Errors:  []string{`decode code-checked: property "username" is not a string`, `property "username" is not a string`},
		Subject: k.Subject(event.TypeCodeChecked), Stream: event.StreamEvents, Sequence: sequence,
		Deliveries: 1, EventID: k.Saga + ".code-checked", User: k.User, Saga: k.Saga,
	}
	ignored := cmpopts.IgnoreFields(event.DeadLetter{}, "Stored", "Died", "Message")
	if diff := cmp.Diff(want, letter, ignored); diff != "" {
		t.Errorf("dead letter (-want +got):\n%s", diff)
	}
	if letter.Stored.IsZero() || letter.Died.Before(letter.Stored) {
		t.Errorf("stored %s, died %s", letter.Stored, letter.Died)
	}
	original := s.Open(letter)
	if got := string(original.Data); got != string(poison) {
		t.Errorf("opened, the dead letter holds %q, want %q", got, poison)
	}
	if got := nats.Header(original.Header).Get(event.HeaderSubject); got != k.Saga {
		t.Errorf("opened, its header %s is %q, want %q", event.HeaderSubject, got, k.Saga)
	}

	failed := s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked, event.TypeFailed)[2]
	wantEnd := event.NewEnded("ada", event.StepEncryptor, event.CodeProcessingError)
	if diff := cmp.Diff(wantEnd, s.Ended(failed)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	settled(t, verbs, "+TERM")
	noSecrets(t, "the dead letters", s.Contents(event.StreamDeadLetters))
	noSecrets(t, "the logs", s.Logs())
}

func TestRun_PoisonOfAFailedSagaUndoesNothing(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	k := s.Key("ada")
	s.AppendRaw(event.TypeTokenVerified, []byte("poison"), k, time.Time{})
	s.Append(event.NewEnded("ada", event.StepWatchdog, event.CodeDeadlineExceeded), k, time.Time{})
	step := checking(func(context.Context, taken) error { return nil })
	step.Undo = func(context.Context, taken) error { t.Error("what could not be read was undone"); return nil }
	sagatest.Run(s, step)
	settled(t, verbs, "+TERM")
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
}

func noSecrets(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s: nothing to look through", where)
	}
	for _, secret := range []string{secretCode, secretPassword, secretPhone} {
		if strings.Contains(text, secret) {
			t.Errorf("%s hold the secret %q:\n%s", where, secret, text)
		}
	}
}

func TestRun_PoisonOfEveryKindIsKeptAndPassed(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	step := checking(func(context.Context, taken) error { return nil })
	step.Decode = func(data []byte) (body event.TokenVerified, err error) {
		if strings.Contains(string(data), "panic") {
			panic(secretCode)
		}
		err = json.Unmarshal(data, &body)
		return body, err
	}
	sagatest.Run(s, step, one(8))

	t.Run("a body that is not JSON", func(t *testing.T) {
		k := s.Key("ada")
		s.AppendRaw(event.TypeTokenVerified, []byte("{"), k, time.Time{})
		failed := s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)[1]
		if got := s.Ended(failed); got.ID != "" || got.Code != event.CodeProcessingError {
			t.Errorf("failed is %+v: the Id cannot be known", got)
		}
	})
	t.Run("a body that makes the decoder panic", func(t *testing.T) {
		k := s.Key("ada")
		s.AppendRaw(event.TypeTokenVerified, []byte(`"panic"`), k, time.Time{})
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	})
	for name, header := range map[string]nats.Header{
		"no deadline":         {},
		"a deadline of words": {event.HeaderDeadline: {"soon"}},
		"another version":     {event.HeaderType: {"user.create.token-verified.v9"}},
	} {
		t.Run(name, func(t *testing.T) {
			k := s.Key("ada")
			publish(t, s, k.Subject(event.TypeTokenVerified), header)
			s.Expect(k, event.TypeFailed)
		})
	}
	t.Run("a subject that names no saga", func(t *testing.T) {
		publish(t, s, "user.create.token-verified.someone.not$a$saga", nil)
		letter := s.DeadLetters(6)[5]
		if letter.User != event.UnknownUser || !event.ValidSagaID(letter.Saga) {
			t.Errorf("dead letter of user %q, saga %q", letter.User, letter.Saga)
		}
	})
	k := begin(s, "next")
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	for _, l := range s.DeadLetters(6) {
		if l.Reason != event.ReasonPoison {
			t.Errorf("dead letter of saga %s for %s, want poison", l.Saga, l.Reason)
		}
	}
	noSecrets(t, "the dead letters", s.Contents(event.StreamDeadLetters))
}

// publish publishes to any subject, as no writer of ours does.
func publish(t *testing.T, s *sagatest.Server, subject string, header nats.Header) {
	t.Helper()
	msg := &nats.Msg{Subject: subject, Header: header, Data: []byte("{}")}
	if _, err := s.JS().PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
}

func TestRun_PoisonTooLargeToKeepIsNamed(t *testing.T) {
	t.Parallel()
	const payload = 64 << 10
	s := sagatest.NewWith(t, sagatest.Options{MaxPayload: payload}, event.StepTokenVerifier)
	sagatest.Run(s, verifying(nothing), one(1))
	s.PublishRaw([]byte("{"+strings.Repeat(" ", payload-1000)), nats.Header{event.HeaderMsgID: {"large"}})
	letter := s.DeadLetters(1)[0]
	want := "not kept here: the message of 64537 bytes"
	if got := letter.Errors[len(letter.Errors)-1]; got != want {
		t.Errorf("the dead letter ends with %q, want %q", got, want)
	}
	if original := s.Open(letter); len(original.Data) > 0 {
		t.Errorf("the dead letter holds %d bytes", len(original.Data))
	}
	s.ExpectExactly(s.Publish(request("next"), "next"), event.TypeTokenVerified)
}

func TestRun_EventTooLargeToStoreIsADeadLetter(t *testing.T) {
	t.Parallel()
	const payload = 64 << 10
	s := sagatest.NewWith(t, sagatest.Options{MaxPayload: payload}, event.StepCodeChecker)
	sagatest.Run(s, checker{
		Name: event.StepCodeChecker,
		Handle: saga.Each(1, func(_ context.Context, e taken) (event.CodeChecked, error) {
			return event.CodeChecked{ID: e.Body.ID, Username: strings.Repeat("a", payload)}, nil
		}),
	}, one(1))
	s.ExpectExactly(begin(s, "ada"), event.TypeTokenVerified, event.TypeFailed)
	if got := s.DeadLetters(1)[0].Reason; got != event.ReasonPoison {
		t.Errorf("reason %s, want poison", got)
	}
}

func TestRun_PanicIsIsolated(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	keys := map[string]event.Key{}
	for _, id := range []string{"ada", "bad", "cy"} {
		keys[id] = begin(s, id)
	}
	handle := func(_ context.Context, batch []taken) []saga.Result[event.CodeChecked] {
		results := make([]saga.Result[event.CodeChecked], len(batch))
		for i, e := range batch {
			if e.Delivery > 1 {
				t.Errorf("saga %s of %s came a second time", e.Saga, e.Body.ID)
			}
			if e.Body.ID == "bad" {
				panic("the code is " + e.Body.Code)
			}
			results[i].Next = checked(e.Body.ID)
		}
		return results
	}
	sagatest.Run(s, checker{Name: event.StepCodeChecker, Handle: handle}, one(64))

	s.ExpectExactly(keys["ada"], event.TypeTokenVerified, event.TypeCodeChecked)
	s.ExpectExactly(keys["cy"], event.TypeTokenVerified, event.TypeCodeChecked)
	s.ExpectExactly(keys["bad"], event.TypeTokenVerified, event.TypeFailed)
	letter := s.DeadLetters(1)[0]
	if letter.Saga != keys["bad"].Saga || letter.Reason != event.ReasonPanic {
		t.Errorf("dead letter of saga %s for %s", letter.Saga, letter.Reason)
	}
	if !strings.Contains(letter.Errors[0], "deadletter_test.go") {
		t.Errorf("the dead letter does not say where the handler panicked:\n%s", letter.Errors[0])
	}
	noSecrets(t, "the dead letters", s.Contents(event.StreamDeadLetters))
	noSecrets(t, "the logs", s.Logs())
}

func TestRun_HandlerThatReturnsTooFewResultsAppendsNothing(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	sagatest.Run(s, checker{
		Name:   event.StepCodeChecker,
		Handle: func(context.Context, []taken) []saga.Result[event.CodeChecked] { return nil },
	}, limit(2))
	s.ExpectExactly(begin(s, "ada"), event.TypeTokenVerified, event.TypeFailed)
	if got := s.DeadLetters(1)[0].Reason; got != event.ReasonDeliveryLimit {
		t.Errorf("reason %s, want delivery_limit", got)
	}
}

func TestRun_DeliveryLimit(t *testing.T) {
	t.Parallel()
	t.Run("an error that does not go away", func(t *testing.T) {
		t.Parallel()
		s := sagatest.New(t, event.StepCodeChecker)
		k := begin(s, "ada")
		deliveries := make(chan int, 10)
		sagatest.Run(s, checking(func(_ context.Context, e taken) error {
			deliveries <- e.Delivery
			return errors.New("something odd")
		}), limit(3))
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
		letter := s.DeadLetters(1)[0]
		if letter.Reason != event.ReasonDeliveryLimit || letter.Deliveries != 3 || letter.Errors[0] != "something odd" {
			t.Errorf("dead letter for %s after %d deliveries: %q", letter.Reason, letter.Deliveries, letter.Errors)
		}
		if n := len(deliveries); n != 3 {
			t.Errorf("handled %d times, want 3", n)
		}
	})
	t.Run("a handler that ends the process each time", func(t *testing.T) {
		t.Parallel()
		s := sagatest.NewWith(t, sagatest.Options{AckWait: 100 * time.Millisecond}, event.StepCodeChecker)
		k := begin(s, "ada")
		for range 3 {
			take(t, s, event.StreamEvents, event.StepCodeChecker) // and never settles it
		}
		step := checking(func(context.Context, taken) error { t.Error("handled once more"); return nil })
		undone := make(chan string, 10)
		step.Undo = func(_ context.Context, e taken) error { undone <- e.Body.ID; return nil }
		s.Append(event.NewEnded("ada", event.StepWatchdog, event.CodeDeadlineExceeded), k, time.Time{})
		sagatest.Run(s, step, limit(3))
		if letter := s.DeadLetters(1)[0]; letter.Reason != event.ReasonDeliveryLimit || letter.Deliveries < 4 {
			t.Errorf("dead letter for %s after %d deliveries", letter.Reason, letter.Deliveries)
		}
		// Its effect may have happened before the process ended.
		if got := receive(t, undone, "Undo"); got != "ada" {
			t.Errorf("undone for %q", got)
		}
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	})
}

func TestRun_HandlerThatEndsItsProcessTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	s := sagatest.NewWith(t, sagatest.Options{AckWait: 300 * time.Millisecond}, event.StepCodeChecker)
	killer := begin(s, "killer") // first, so that all others stand behind it
	var keys []event.Key
	for i := range 12 {
		keys = append(keys, begin(s, fmt.Sprintf("user-%d", i)))
	}
	died, givenUp := make(chan struct{}, 1), make(chan struct{}, 100)
	process := func() (stop func()) {
		conn, js := s.Connect()
		return sagatest.Run(s, checking(func(ctx context.Context, e taken) error {
			if e.Body.ID == "killer" {
				conn.Close() // nothing more is heard of this process
				died <- struct{}{}
				<-ctx.Done()
			}
			return nil
		}), one(64), onLog("event was not handled forward", givenUp), func(c *saga.Config) {
			c.JetStream, c.HandleTimeout = js, 200*time.Millisecond
		})
	}
	for stop, alive := process(), true; alive; {
		select {
		case <-died:
			stop()
			stop = process()
		case <-givenUp:
			alive = false
		}
	}
	if letter := s.DeadLetters(1)[0]; letter.Saga != killer.Saga || letter.Reason != event.ReasonDeliveryLimit {
		t.Errorf("dead letter of saga %s for %s", letter.Saga, letter.Reason)
	}
	s.ExpectExactly(killer, event.TypeTokenVerified, event.TypeFailed)
	for _, k := range keys {
		s.ExpectExactly(k, event.TypeTokenVerified, event.TypeCodeChecked)
	}
}

func TestRun_HandlerThatEndsItsProcessUntilTheDeadlineIsADeadLetter(t *testing.T) {
	t.Parallel()
	s := sagatest.NewWith(t, sagatest.Options{AckWait: 100 * time.Millisecond}, event.StepCodeChecker)
	k := s.Key("ada")
	s.Append(verified("ada"), k, time.Now())
	for range 3 {
		take(t, s, event.StreamEvents, event.StepCodeChecker) // and never settles it
	}
	s.Append(event.NewEnded("ada", event.StepWatchdog, event.CodeDeadlineExceeded), k, time.Time{})
	sagatest.Run(s, checking(func(context.Context, taken) error { t.Error("handled once more"); return nil }))
	if letter := s.DeadLetters(1)[0]; letter.Reason != event.ReasonDeliveryLimit || letter.Saga != k.Saga {
		t.Errorf("dead letter of saga %s for %s", letter.Saga, letter.Reason)
	}
}
