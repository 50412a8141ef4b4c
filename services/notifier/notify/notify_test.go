package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/services/notifier/rooms"
)

// silence is that a client hears nothing.
var silence = rooms.Message{}

func TestLast_TellsALateClientTheOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		history *past
		want    rooms.Message
	}{
		"of nobody":        {new(past), silence},
		"of another user":  {new(past).then("bob", "b", event.TypeCompleted, 0, event.NewEnded("bob", "", event.CodeCreated)), silence},
		"of a new saga":    {new(past).begun("a"), silence},
		"of a completed":   {new(past).begun("a").created("a").completed("a", justNow), message("a", event.CodeCreated)},
		"of a created one": {new(past).begun("a").created("a"), silence},
		"of minutes ago":   {new(past).completed("a", inTime), message("a", event.CodeCreated)},
		"of too long ago":  {new(past).completed("a", tooOld), silence},
		"of a failed one":  {new(past).begun("a").failed("a", justNow, event.CodeEncryptionFailed), message("a", event.CodeEncryptionFailed)},
		"of one that failed too long ago": {
			new(past).failed("a", tooOld, event.CodeSessionExpired), silence,
		},
		"of one that failed at once, though an older one is open": {
			new(past).begun("a").failed("b", justNow, event.CodeSessionExpired), message("b", event.CodeSessionExpired),
		},
		"not of a failed one when a newer is open": {
			new(past).failed("a", justNow, event.CodeIncorrect).begun("b"), silence,
		},
		"not of a failed one when a newer is created": {
			new(past).failed("a", justNow, event.CodeIncorrect).begun("b").created("b"), silence,
		},
		"of the last of two that failed": {
			new(past).begun("a").begun("b").failed("b", justNow, event.CodeIncorrect).failed("a", justNow, event.CodeEncryptionFailed),
			message("a", event.CodeEncryptionFailed),
		},
		"of the completed one when another failed before": {
			new(past).begun("a").begun("b").failed("b", justNow, event.CodeIncorrect).completed("a", justNow), message("a", event.CodeCreated),
		},
		"of the completed one when another failed since": {
			new(past).begun("a").completed("a", justNow).begun("b").failed("b", justNow, event.CodeIncorrect), message("a", event.CodeCreated),
		},
		"of the completed one when the user exists": {
			new(past).completed("a", justNow).failed("b", justNow, event.CodeUserExists), message("a", event.CodeCreated),
		},
		"of the completed one while another is open": {
			new(past).completed("a", justNow).begun("b"), message("a", event.CodeCreated),
		},
		"of a failed one when the completed one is old": {
			new(past).completed("a", tooOld).begun("b").failed("b", justNow, event.CodeUserExists), message("b", event.CodeUserExists),
		},
		"of the first for a duplicate": {
			new(past).begun("a").begun("b").failed("a", justNow, event.CodeEncryptionFailed).twice("b", "a", justNow),
			message("a", event.CodeEncryptionFailed),
		},
		"of the first for a recent duplicate, however old": {
			new(past).begun("a").completed("a", tooOld).begun("b").twice("b", "a", justNow), message("a", event.CodeCreated),
		},
		"not for a duplicate of one that is open": {
			new(past).begun("a").begun("b").twice("b", "a", justNow), silence,
		},
		"not for a duplicate of one that failed when a newer is open": {
			new(past).begun("a").failed("a", justNow, event.CodeIncorrect).twice("b", "a", justNow).begun("c"), silence,
		},
		"not for a duplicate of too long ago": {
			new(past).completed("a", tooOld).twice("b", "a", tooOld), silence,
		},
		"not for a duplicate of a duplicate": {
			new(past).twice("a", "z", justNow).twice("b", "a", justNow), silence,
		},
		"not for a duplicate of what is forgotten": {new(past).twice("b", "a", justNow), silence},
		"not for a duplicate of what is no saga":   {new(past).completed("a", tooOld).twice("b", "*", justNow), silence},
		"not of what cannot be read":               {new(past).unreadable("a"), silence},
		"and what cannot be read is not waited for": {
			new(past).failed("a", justNow, event.CodeIncorrect).begun("b").lose(), message("a", event.CodeIncorrect),
		},
		"of a failed one when the completion cannot be read": {
			new(past).unreadable("a").failed("b", justNow, event.CodeIncorrect), message("b", event.CodeIncorrect),
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := notifier{history: c.history, log: zerolog.Nop()}
			got, found, err := n.last(t.Context(), "ada")
			if err != nil || found != (c.want != silence) {
				t.Errorf("found %t, error %v", found, err)
			}
			if !found {
				got = silence
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("heard (-want +got):\n%s", diff)
			}
			expectErrors(t, c.history, func() error { _, _, err := n.last(t.Context(), "ada"); return err })
		})
	}
}

// expectErrors repeats a call, and lets each of the questions fail that it asked.
func expectErrors(t *testing.T, history *past, call func() error) {
	t.Helper()
	for questions := history.asked; questions > 0; questions-- {
		history.asked, history.errAt = 0, questions
		if err := call(); !errors.Is(err, errAway) {
			t.Errorf("question %d fails: %v", questions, err)
		}
	}
}

// stage is a fake of the rooms.
type stage struct{ emitted []string }

func (s *stage) Emit(id string, m rooms.Message) int {
	s.emitted = append(s.emitted, fmt.Sprintf("%s: %s %s", id, m.Saga, m.Code))
	return 1
}

func TestNotify_KeepsFromTheRoomWhatContradicts(t *testing.T) {
	for name, c := range map[string]struct {
		history *past // the outcome is that of its last event
		want    []string
	}{
		"a completion is told":                     {new(past).completed("a", justNow), []string{"ada: a created"}},
		"a failure is told":                        {new(past).failed("a", justNow, event.CodeIncorrect), []string{"ada: a code_incorrect"}},
		"a failure after another failure is":       {new(past).failed("a", justNow, event.CodeIncorrect).failed("b", justNow, event.CodeLocked), []string{"ada: b code_locked"}},
		"a duplicate is not":                       {new(past).begun("a").twice("b", "a", justNow), nil},
		"a failure after a completion is not":      {new(past).completed("a", inTime).failed("b", justNow, event.CodeIncorrect), nil},
		"one long after a completion is":           {new(past).completed("a", tooOld).failed("b", justNow, event.CodeIncorrect), []string{"ada: b code_incorrect"}},
		"that the user exists is no contradiction": {new(past).completed("a", justNow).failed("b", justNow, event.CodeUserExists), []string{"ada: b user_exists"}},
		"a completion after a failure is told":     {new(past).failed("a", justNow, event.CodeIncorrect).completed("b", justNow), []string{"ada: b created"}},
		"another user's completion does not matter": {
			new(past).then("bob", "b", event.TypeCompleted, 0, event.NewEnded("bob", "", event.CodeCreated)).failed("a", justNow, event.CodeIncorrect),
			[]string{"ada: a code_incorrect"},
		},
		"a completion that cannot be read does not matter": {
			new(past).unreadable("a").failed("b", justNow, event.CodeIncorrect), []string{"ada: b code_incorrect"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stage := &stage{}
			n := notifier{history: c.history, rooms: stage, log: zerolog.Nop()}
			o, err := parseOutcome(c.history.events[len(c.history.events)-1])
			if err != nil {
				t.Fatal(err)
			}
			if err := n.notify(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, stage.emitted); diff != "" {
				t.Errorf("emitted (-want +got):\n%s", diff)
			}
			stage.emitted = nil
			expectErrors(t, c.history, func() error { return n.notify(t.Context(), o) })
			if len(stage.emitted) > 0 {
				t.Errorf("emitted %v without knowing", stage.emitted)
			}
		})
	}
}

// Two registrations of one Id overlap: whatever the moment at which the second
// one's failure is handled, nothing of it is heard after the success.
func TestNotify_NoFailureIsHeardAfterTheSuccessOfAnOverlappingRegistration(t *testing.T) {
	stored := new(past).begun("a").begun("b").completed("a", justNow).failed("b", justNow, event.CodeIncorrect)
	stage := &stage{}
	n := notifier{history: stored, rooms: stage, log: zerolog.Nop()}
	for _, e := range stored.events {
		if e.Type.Terminal() {
			n.take(t.Context(), e)
		}
	}
	if diff := cmp.Diff([]string{"ada: a created"}, stage.emitted); diff != "" {
		t.Errorf("the failure comes second (-want +got):\n%s", diff)
	}

	stored = new(past).begun("a").begun("b").failed("b", justNow, event.CodeIncorrect)
	early := stored.events[2]
	stage.emitted, n.history = nil, stored
	n.take(t.Context(), early) // before the completion is stored
	stored.completed("a", justNow)
	n.take(t.Context(), early) // after: a notifier that lags
	n.take(t.Context(), stored.events[3])
	if diff := cmp.Diff([]string{"ada: b code_incorrect", "ada: a created"}, stage.emitted); diff != "" {
		t.Errorf("the failure comes first (-want +got):\n%s", diff)
	}
}

func TestTake_WaitsForAnEventStoreThatIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored, stage := new(past).failed("a", justNow, event.CodeIncorrect), &stage{}
		var log bytes.Buffer
		n := notifier{history: &flaky{past: stored, failures: 100}, rooms: stage, log: zerolog.New(&log)}
		n.take(t.Context(), stored.events[0])
		if diff := cmp.Diff([]string{"ada: a code_incorrect"}, stage.emitted); diff != "" {
			t.Errorf("emitted (-want +got):\n%s", diff)
		}
		if !strings.Contains(log.String(), `"saga":"a"`) || !strings.Contains(log.String(), `"event":"failed"`) {
			t.Errorf("the log does not name saga and event: %s", log.String())
		}
	})
}

func TestTake_EndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored, stage := new(past).failed("a", justNow, event.CodeIncorrect), &stage{}
		n := notifier{history: &flaky{past: stored, failures: 1 << 30}, rooms: stage, log: zerolog.Nop()}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		n.take(ctx, stored.events[0])
		if len(stage.emitted) > 0 {
			t.Errorf("emitted %v", stage.emitted)
		}
	})
}

// flaky is a past whose first answers are lost.
type flaky struct {
	*past
	failures int
}

func (f *flaky) LastMatching(ctx context.Context, filter string) (saga.Stored, error) {
	if f.failures--; f.failures >= 0 {
		<-ctx.Done()
		return saga.Stored{}, ctx.Err()
	}
	return f.past.LastMatching(ctx, filter)
}

func TestTake_PassesOverWhatItCannotRead(t *testing.T) {
	var log bytes.Buffer
	stage := &stage{}
	n := notifier{history: new(past), rooms: stage, log: zerolog.New(&log)}
	stored := new(past).completed("a", justNow).completed("b", justNow)
	stored.events[0].Data = []byte(`{"id": 739154}`)
	n.take(t.Context(), stored.events[0])
	n.take(t.Context(), stored.events[1])
	if diff := cmp.Diff([]string{"ada: b created"}, stage.emitted); diff != "" {
		t.Errorf("emitted (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), `"saga":"a"`) || strings.Contains(log.String(), "739154") {
		t.Errorf("the log is %s", log.String())
	}
}
