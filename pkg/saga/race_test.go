package saga_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestRun_LostAppendUndoes(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	step := checking(func(ctx context.Context, e taken) error {
		return expire(ctx, s, e.Key, e.Meta, 1) // the deadline, while the handler works
	})
	var effects, undone atomic.Int64
	handle := step.Handle
	step.Handle = func(ctx context.Context, batch []taken) []saga.Result[event.CodeChecked] {
		effects.Add(1)
		return handle(ctx, batch)
	}
	step.Undo = func(_ context.Context, e taken) error {
		switch undone.Add(1) {
		case 1:
			return errors.New("redis is away")
		case 2:
			panic(secretCode)
		}
		if e.Body.ID != "ada" {
			t.Errorf("undo got the event of %q", e.Body.ID)
		}
		effects.Store(0)
		return nil
	}
	sagatest.Run(s, step, one(1))
	k := begin(s, "ada")
	settled(t, verbs, "+ACK")
	s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)
	if effects.Load() != 0 || undone.Load() != 3 {
		t.Errorf("undone %d times, %d effects left", undone.Load(), effects.Load())
	}
	noSecrets(t, "the logs", s.Logs())
}

// expire appends failed behind the event at sequence after, as a watchdog does.
// That another writer was first is no error.
func expire(ctx context.Context, s *sagatest.Server, k event.Key, of event.Meta, after uint64) error {
	data, err := json.Marshal(event.NewEnded("ada", event.StepWatchdog, event.CodeDeadlineExceeded))
	if err != nil {
		return err
	}
	of.ID, of.Type = k.Saga+".failed", event.TypeFailed
	if err := s.Store().Append(ctx, of, k, data, after); !errors.Is(err, saga.ErrMoved) {
		return err
	}
	return nil
}

func TestRun_DeadlineRacingAStepHasOneWinner(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	const n = 200
	var effects sync.Map // by saga
	type open struct {
		event.Key
		sequence uint64
	}
	sagas := make([]open, n)
	for i := range sagas {
		k := s.Key("ada")
		sagas[i] = open{k, s.Append(verified("ada"), k, time.Time{})}
	}
	begun := make(chan open, n)
	step := checking(func(_ context.Context, e taken) error {
		effects.Store(e.Saga, true)
		for _, o := range sagas {
			if o.Key == e.Key {
				begun <- o
			}
		}
		return nil
	})
	step.Undo = func(_ context.Context, e taken) error { effects.Delete(e.Saga); return nil }

	_, js := s.Connect()
	watchdog := saga.NewStore(js)
	var racing sync.WaitGroup
	for range 2 { // replicas
		racing.Go(func() {
			for range n / 2 {
				o := <-begun
				meta := event.Meta{ID: "d", Source: "/test", Type: event.TypeFailed, Time: time.Now(), Saga: o.Saga, Deadline: time.Now()}
				err := watchdog.Append(t.Context(), meta, o.Key, []byte(`{"id":"ada","status":false}`), o.sequence)
				if err != nil && !errors.Is(err, saga.ErrMoved) {
					t.Errorf("append failed: %v", err)
				}
			}
		})
	}
	sagatest.Run(s, step, one(4))
	for range n {
		settled(t, verbs, "+ACK")
	}
	racing.Wait()
	won := map[event.Type]int{}
	for _, o := range sagas {
		history := s.History(o.Key)
		if len(history) != 2 {
			t.Fatalf("saga %s has %d events, want 2", o.Saga, len(history))
		}
		last := history[1].Type
		won[last]++
		if _, stands := effects.Load(o.Saga); stands != (last == event.TypeCodeChecked) {
			t.Errorf("saga %s ended with %s, its effect stands: %t", o.Saga, last, stands)
		}
	}
	t.Logf("winners: %v", won)
}

func TestRun_AfterTidiesUpBehindTheNextEventAlone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	step := checking(func(ctx context.Context, e taken) error {
		switch e.Body.ID {
		case "rejected":
			return saga.Reject(event.CodeIncorrect, nil)
		case "failed":
			begun, err := s.Store().Last(ctx, e.Key)
			if err != nil {
				return err
			}
			return expire(ctx, s, e.Key, e.Meta, begun.Sequence)
		}
		return nil
	})
	tidied := make(chan string, 10)
	step.After = func(_ context.Context, e taken) {
		if got := len(s.History(e.Key)); got != 2 {
			t.Errorf("tidied up behind %d events, want 2", got)
		}
		tidied <- e.Body.ID
		panic(secretCode)
	}
	begin(s, "rejected")
	begin(s, "failed") // at sequence 2, as nothing runs yet
	begin(s, "good")
	sagatest.Run(s, step, one(1))
	for range 3 {
		settled(t, verbs, "+ACK")
	}
	if got := receive(t, tidied, "After"); got != "good" {
		t.Errorf("tidied up behind the saga of %q", got)
	}
	s.ExpectExactly(begin(s, "next"), event.TypeTokenVerified, event.TypeCodeChecked)
	receive(t, tidied, "After") // before the test ends, and with it what After reads
	noSecrets(t, "the logs", s.Logs())
}

func TestRun_LateEventIsNotHandled(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	k := s.Key("ada")
	s.Append(verified("ada"), k, time.Now())
	sagatest.Run(s, checking(func(context.Context, taken) error { t.Error("handled"); return nil }))
	failed := s.ExpectExactly(k, event.TypeTokenVerified, event.TypeFailed)[1]
	if got := s.Ended(failed).Code; got != event.CodeDeadlineExceeded {
		t.Errorf("failed with %s", got)
	}
}

func TestRun_LaterVersionInTheHistoryIsWorkDone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	k := begin(s, "ada")
	msg := take(t, s, event.StreamEvents, event.StepCodeChecker)
	publish(t, s, k.Subject(event.TypeCodeChecked), map[string][]string{event.HeaderType: {"user.create.code-checked.v2"}})
	if err := msg.Nak(); err != nil {
		t.Fatal(err)
	}
	sagatest.Run(s, checking(func(context.Context, taken) error { return nil }))
	settled(t, verbs, "+ACK")
}

func TestRun_HistoryThatWasDeletedBlocksNobody(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	verbs := settlements(t, s)
	sagatest.Run(s, checking(func(ctx context.Context, e taken) error {
		if e.Body.ID != "gone" {
			return nil
		}
		stream, err := s.JS().Stream(ctx, event.StreamEvents)
		if err != nil {
			return fmt.Errorf("open the stream: %w", err)
		}
		return stream.Purge(ctx)
	}), one(1))
	begin(s, "gone")
	settled(t, verbs, "-NAK")
	s.ExpectExactly(begin(s, "next"), event.TypeTokenVerified, event.TypeCodeChecked)
}
