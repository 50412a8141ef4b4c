package event_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestSubjects_AreThoseOfTheDesign(t *testing.T) {
	k := event.Key{User: "0011", Saga: "saga-1"}
	for _, c := range []struct{ name, got, want string }{
		{"requested", event.SubjectRequested, "user.create.requested"},
		{"an event", k.Subject(event.TypeTokenVerified), "user.create.token-verified.0011.saga-1"},
		{"a saga's history", k.History(), "user.create.*.0011.saga-1"},
		{"a user's events", event.UserEvents("*", "0011"), "user.create.*.0011.*"},
		{"a user's events of a type", event.UserEvents(event.TypeFailed, "0011"), "user.create.failed.0011.*"},
		{"every saga's events of a type", event.SagaEvents(event.TypeCreated), "user.create.created.*.*"},
		{"a dead letter", k.DeadLetterSubject(event.StepEncryptor), "dlq.user.create.encryptor.0011.saga-1"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestUserHash_IsStable(t *testing.T) {
	for id, want := range map[string]string{ // printf %s <id> | sha256sum | cut -c-32
		"":       "e3b0c44298fc1c149afbf4c8996fb924",
		"user-1": "c6c289e49e9c05b2145860387b73bcb1",
		"*.>. 🦉": "3bfd72b7ebba8e853452bad3359fe70f",
	} {
		if got := event.UserHash(id); got != want {
			t.Errorf("UserHash(%q) is %s, want %s", id, got, want)
		}
	}
}

func TestSagaID_IsTheMessageIDWhereItFitsASubject(t *testing.T) {
	at := time.Unix(1, 0)
	for _, id := range []string{"a", "A-z_09", strings.Repeat("x", 64)} {
		if got := event.SagaID(id, "S", 1, at); got != id {
			t.Errorf("SagaID(%q) is %q", id, got)
		}
	}
	derived := event.SagaID("", "S", 1, at)
	for _, id := range []string{
		strings.Repeat("x", 65), "a.b", "*", ">", "a b", "a\x00", "a\n", "ü", "🦉", "a/b", "a:b", "\xff", " ",
	} {
		if got := event.SagaID(id, "S", 1, at); got != derived {
			t.Errorf("SagaID(%q) is %q, want one derived from the place", id, got)
		}
	}
}

func TestSagaID_DerivedFromThePlaceIsStable(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	// printf USER_CREATE_REQUESTS/42/1767323045000000006 | sha256sum | cut -c-32
	const want = "9e269e19ccab6430f53704764d71ace8"
	if got := event.SagaID("", event.StreamRequests, 42, at.In(time.FixedZone("", 7200))); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !event.ValidSagaID(want) {
		t.Error("it is no valid saga id")
	}
	for name, other := range map[string]string{
		"stream":   event.SagaID("", "OTHER", 42, at),
		"sequence": event.SagaID("", event.StreamRequests, 43, at),
		"time":     event.SagaID("", event.StreamRequests, 42, at.Add(1)),
	} {
		if other == want {
			t.Errorf("another %s yields the same saga", name)
		}
	}
}

func TestParseSubject_RefusesWhatIsNoEventOfASaga(t *testing.T) {
	for _, subject := range []string{
		"", "user.create.", "user.create.requested", "user.create.created.u", "user.create.created.u.s.more",
		"user.create..u.s", "user.create.created..s", "user.create.created.u.",
		"user.create.*.u.s", "user.create.created.*.s", "user.create.created.u.*", "user.create.created.u.>", "user.create.created.>.s",
		"user.create.created.u s.s", "user.create.created.u.s ", "user.create.created.u\x00.s", "user.create.created.ü.s",
		"User.create.created.u.s", "xuser.create.created.u.s", "dlq.user.create.created.u.s",
		"user.create.created.u." + strings.Repeat("s", 65),
	} {
		typ, key, err := event.ParseSubject(subject)
		wantIs(t, err, event.ErrSubject)
		if typ != "" || key != (event.Key{}) {
			t.Errorf("%q is refused but yields %q and %v", subject, typ, key)
		}
		_, _, err = event.ParseDeadLetterSubject(strings.Replace("dlq."+subject, "dlq.dlq.", "", 1))
		wantIs(t, err, event.ErrSubject)
	}
}

// anyKey draws keys as the system makes them: of any Id, with any message id.
func anyKey(t *rapid.T) event.Key {
	user := event.UserHash(rapid.String().Draw(t, "id"))
	if rapid.Bool().Draw(t, "unknown user") {
		user = event.UnknownUser
	}
	msgID := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9_-]{1,70}`)).Draw(t, "message id")
	at := time.Unix(0, rapid.Int64().Draw(t, "stored"))
	return event.Key{User: user, Saga: event.SagaID(msgID, rapid.String().Draw(t, "stream"), rapid.Uint64().Draw(t, "sequence"), at)}
}

func TestParseSubject_IsTheInverseOfSubject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, typ := anyKey(t), rapid.SampledFrom(event.Types()).Draw(t, "type")
		if gotType, got, err := event.ParseSubject(k.Subject(typ)); err != nil || gotType != typ || got != k {
			t.Errorf("subject %s: got %s, %v, %v", k.Subject(typ), gotType, got, err)
		}
		step := rapid.SampledFrom(event.Path()).Draw(t, "step").Name
		if gotStep, got, err := event.ParseDeadLetterSubject(k.DeadLetterSubject(step)); err != nil || gotStep != step || got != k {
			t.Errorf("subject %s: got %s, %v, %v", k.DeadLetterSubject(step), gotStep, got, err)
		}
	})
}

func TestSubject_HoldsNothingOfTheID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[^a-f0-9]{8,100}`).Draw(t, "id")
		k := event.Key{User: event.UserHash(id), Saga: "s"}
		if subject := k.Subject("t"); strings.Contains(subject, id) || strings.Count(subject, ".") != 4 {
			t.Errorf("subject %s for the Id %q", subject, id)
		}
	})
}
