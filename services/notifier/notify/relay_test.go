package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/pkg/service/servicetest"
	"github.com/create-user/create-user/services/notifier/relay"
)

// wire is a fake of the connection to an existing server. It keeps what it is given.
type wire struct {
	sent  []string
	err   error
	since time.Duration
}

func (w *wire) ConnectedFor() time.Duration { return w.since }

func (w *wire) Emit(_ context.Context, key, name string, payload any) error {
	data, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	w.sent = append(w.sent, fmt.Sprintf("%s: %s %s", key, name, data))
	return w.err
}

// ended is a terminal event that a relay takes, stored so long ago.
func ended(id, sagaID string, code event.Code, age at) saga.Event[event.Ended] {
	return saga.Event[event.Ended]{
		Key:  event.Key{User: event.UserHash(id), Saga: sagaID},
		Meta: event.Meta{Time: time.Now().Add(-age)},
		Body: event.NewEnded(id, event.StepCodeChecker, code),
	}
}

func TestRelay_SendsWhatTheRoomIsToHear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		history *past
		ended   saga.Event[event.Ended]
		want    []string
	}{
		"a completion": {
			new(past).completed("a", justNow), ended("ada", "a", event.CodeCreated, justNow),
			[]string{`a: Profile {"Id":"ada_Create_User","Status":true,"Message":"User created successfully"}`},
		},
		"a failure": {
			new(past), ended("ada", "a", event.CodeSessionExpired, justNow),
			[]string{`a: Profile {"Id":"ada_Create_User","Status":false,"Message":"Session expired. Please log in again."}`},
		},
		"a failure long after a completion": {
			new(past).completed("a", tooOld), ended("ada", "b", event.CodeIncorrect, justNow),
			[]string{`b: Profile {"Id":"ada_Create_User","Status":false,"Message":"The verification code is incorrect"}`},
		},
		"not a duplicate":                                 {new(past), ended("ada", "b", event.CodeDuplicateRequest, justNow), nil},
		"not a failure just after a completion":           {new(past).completed("a", justNow), ended("ada", "b", event.CodeIncorrect, justNow), nil},
		"not a failure that a completion followed":        {new(past).completed("b", justNow), ended("ada", "a", event.CodeIncorrect, inTime), nil},
		"not a failure that one followed long ago":        {new(past).completed("b", tooOld), ended("ada", "a", event.CodeIncorrect, tooOld+time.Second), nil},
		"not the outcome of a request that named nobody":  {new(past), ended("", "a", event.CodeInvalidRequest, justNow), nil},
		"not an outcome that is too old to be of any use": {new(past), ended("ada", "a", event.CodeCreated, 2*time.Hour), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := new(wire)
			r := relayer{notifier: notifier{history: c.history, log: zerolog.Nop()}, client: w, maxAge: time.Hour}
			if _, err := r.relay(t.Context(), c.ended); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(c.want, w.sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRelay_WithoutALimitSendsTheOldest(t *testing.T) {
	t.Parallel()
	w := new(wire)
	r := relayer{notifier: notifier{history: new(past), log: zerolog.Nop()}, client: w}
	if _, err := r.relay(t.Context(), ended("ada", "a", event.CodeCreated, 6*24*time.Hour)); err != nil || len(w.sent) != 1 {
		t.Errorf("sent %v, %v", w.sent, err)
	}
}

func TestRelay_KeepsWhatHasNotArrived(t *testing.T) {
	t.Parallel()
	unavailable := func(err error) bool { return fmt.Sprintf("%T", err) == fmt.Sprintf("%T", saga.Unavailable(errAway)) }
	for name, c := range map[string]struct {
		err     error
		history *past
		holds   bool // until the dependency is back
		fails   bool
	}{
		"while the server is away":              {relay.ErrUnavailable, new(past), true, true},
		"while the event store is away":         {nil, &past{errAt: 1}, true, true},
		"when the server does not acknowledge":  {relay.ErrNotAcknowledged, new(past), false, true},
		"while nobody hears it":                 {relay.ErrNotHeard, new(past), false, true},
		"but not what the server will not take": {relay.ErrTooLarge, new(past), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := relayer{notifier: notifier{history: c.history, log: zerolog.Nop()}, client: &wire{err: c.err}}
			_, err := r.relay(t.Context(), ended("ada", "a", event.CodeIncorrect, justNow))
			if (err != nil) != c.fails || unavailable(err) != c.holds {
				t.Errorf("the error is %v", err)
			}
			if c.err != nil && c.fails && !errors.Is(err, c.err) {
				t.Errorf("the error is %v, want %v", err, c.err)
			}
		})
	}
}

// Who waits for an outcome has time to come: since it came, and since the server did.
func TestRelay_PassesOverWhatNobodyComesToHear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age   at
		since time.Duration
		kept  bool
	}{
		"an outcome of now":                  {justNow, time.Hour, true},
		"the server has just come back":      {inTime, time.Minute, true},
		"nobody has come while they could":   {inTime, time.Hour, false},
		"the server is away again meanwhile": {inTime, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{err: relay.ErrNotHeard, since: c.since}
			r := relayer{notifier: notifier{history: new(past), log: zerolog.Nop()}, client: w}
			if _, err := r.relay(t.Context(), ended("ada", "a", event.CodeIncorrect, c.age)); (err != nil) != c.kept || len(w.sent) != 1 {
				t.Errorf("sent %v, %v", w.sent, err)
			}
		})
	}
}

func TestRelays_IsSaidByTheModeOrTheAddress(t *testing.T) {
	t.Parallel()
	const address = "http://127.0.0.1:4004"
	for name, c := range map[string]struct {
		settings RelaySettings
		want     bool
		err      string
	}{
		"nothing is set":           {RelaySettings{}, false, ""},
		"an address":               {RelaySettings{URL: address}, true, ""},
		"the mode and an address":  {RelaySettings{Mode: "relay", URL: address}, true, ""},
		"serve, and an address":    {RelaySettings{Mode: "serve", URL: address}, false, ""},
		"relay, and no address":    {RelaySettings{Mode: "relay"}, false, "NOTIFIER_RELAY_URL is not set"},
		"another mode":             {RelaySettings{Mode: "forward"}, false, "NOTIFIER_MODE: want serve or relay"},
		"a pause that is none":     {RelaySettings{URL: address, Settle: -1}, false, "NOTIFIER_RELAY_SETTLE: "},
		"an age limit that is bad": {RelaySettings{URL: address, MaxAge: -1}, false, "NOTIFIER_RELAY_MAX_AGE: "},
	} {
		got, err := c.settings.Relays()
		if got != c.want || (err != nil) != (c.err != "") || err != nil && !strings.HasPrefix(err.Error(), c.err) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestRun_RefusesRelaySettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	for want, vars := range map[string]service.Vars{
		"NOTIFIER_MODE: ":                 {"NOTIFIER_MODE": "both"},
		"NOTIFIER_RELAY_URL is not set":   {"NOTIFIER_MODE": "relay"},
		"NOTIFIER_RELAY_URL: want http":   {"NOTIFIER_RELAY_URL": "127.0.0.1:4003"},
		"NOTIFIER_RELAY_SETTLE cannot be": {"NOTIFIER_RELAY_SETTLE": "soon"},
	} {
		if err := servicetest.Refuses(t, Service(), vars); !strings.HasPrefix(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestRun_InRelayModeOpensNoPortAndSaysThatTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	p := servicetest.Start(t, s, Service(), service.Vars{"NOTIFIER_RELAY_URL": "http://127.0.0.1:1", "NOTIFIER_PORT": "1"})
	p.Await("the Socket.IO server is away")
	if err := p.Health()["socket.io"]; !errors.Is(err, relay.ErrUnavailable) {
		t.Errorf("health: %v", err)
	}
	p.Stop()
	if strings.Contains(p.Logs(), "NOTIFIER_PORT") {
		t.Error("it listens")
	}
}
