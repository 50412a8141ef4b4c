package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
	"github.com/create-user/create-user/pkg/service"
)

// The secrets in the dead letters of these tests.
const (
	secretPhone    = "+4915112345678"
	secretPassword = "correct-horse-battery"
	secretCode     = "739154"
)

// cemetery keeps dead letters that are sealed to the key of development mode.
type cemetery struct {
	s      *sagatest.Server
	sealer *event.Sealer
}

func newCemetery(t testing.TB) cemetery {
	t.Helper()
	key, err := event.ParsePublicKey(service.DevDeadLetterPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return cemetery{sagatest.New(t, event.StepEncryptor), event.NewSealer(key)}
}

// bury keeps a dead letter of the encryptor for a saga of ada, changed by change.
func (c cemetery) bury(t testing.TB, sagaID string, change func(*event.DeadLetter)) {
	t.Helper()
	k := key("ada", sagaID)
	c.buryMessage(t, k, event.CodeChecked{ID: "ada", Username: "Ada"}, func(l *event.DeadLetter) {
		l.Step, l.Reason, l.Errors = event.StepEncryptor, event.ReasonDeliveryLimit, []string{"call: no answer\nsecond line", "no answer"}
		l.Subject, l.Stream, l.EventID = k.Subject(event.TypeCodeChecked), event.StreamEvents, sagaID+".code-checked"
		if change != nil {
			change(l)
		}
	})
}

func (c cemetery) buryMessage(t testing.TB, k event.Key, body any, change func(*event.DeadLetter)) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(event.Original{Header: map[string][]string{event.HeaderID: {"outside"}}, Data: data})
	if err != nil {
		t.Fatal(err)
	}
	l := event.DeadLetter{Sequence: 7, Died: time.Now(), Stored: time.Now(), Deliveries: 10, User: k.User, Saga: k.Saga}
	if l.Message, err = c.sealer.SealBytes(k.Saga, plain); err != nil {
		t.Fatal(err)
	}
	change(&l)
	if data, err = json.Marshal(l); err != nil {
		t.Fatal(err)
	}
	if _, err := c.s.JS().PublishMsg(t.Context(), &nats.Msg{Subject: k.DeadLetterSubject("step"), Data: data}); err != nil {
		t.Fatal(err)
	}
}

// fail ends ada's saga as the encryptor does behind a dead letter.
func (c cemetery) fail(t testing.TB, sagaID string) {
	t.Helper()
	store, k := saga.NewStore(c.s.JS()), key("ada", sagaID)
	_, sequence, err := store.Position(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(event.NewEnded("ada", event.StepEncryptor, event.CodeProcessingError))
	if err != nil {
		t.Fatal(err)
	}
	m := event.Meta{ID: sagaID + ".failed", Source: "/create-user/encryptor", Type: event.TypeFailed, Saga: sagaID}
	if err := store.Append(t.Context(), m, k, data, sequence); err != nil {
		t.Fatal(err)
	}
}

func TestDLQ_Filters(t *testing.T) {
	t.Parallel()
	now := time.Now()
	letter := deadletter.Letter{DeadLetter: event.DeadLetter{
		Step: event.StepEncryptor, Saga: "s", User: event.UserHash("ada"), Reason: event.ReasonPanic, Errors: []string{"outer: inner", "inner"},
		Died: now.Add(-time.Hour),
	}}
	for name, c := range map[string]struct {
		filter letterFilter
		want   bool
	}{
		"no filter":             {letterFilter{}, true},
		"its step":              {letterFilter{Step: event.StepEncryptor}, true},
		"another step":          {letterFilter{Step: event.StepUserWriter}, false},
		"its saga":              {letterFilter{Saga: "s"}, true},
		"another saga":          {letterFilter{Saga: "s-r1"}, false},
		"its user":              {letterFilter{User: "ada"}, true},
		"another user":          {letterFilter{User: "bob"}, false},
		"its reason":            {letterFilter{Reason: "panic"}, true},
		"another reason":        {letterFilter{Reason: "poison"}, false},
		"its error":             {letterFilter{Error: "inner"}, true},
		"another error":         {letterFilter{Error: "Inner"}, false},
		"newer than it":         {letterFilter{Newer: time.Hour}, false},
		"newer than before it":  {letterFilter{Newer: time.Hour + 1}, true},
		"older than it":         {letterFilter{Older: time.Hour}, false},
		"older than after it":   {letterFilter{Older: time.Hour - 1}, true},
		"between both":          {letterFilter{Newer: 2 * time.Hour, Older: time.Minute}, true},
		"all of it":             {letterFilter{Step: event.StepEncryptor, Saga: "s", User: "ada", Reason: "panic", Error: "outer"}, true},
		"all of it but one":     {letterFilter{Step: event.StepEncryptor, Saga: "s", User: "bob", Reason: "panic", Error: "outer"}, false},
		"all of it but the age": {letterFilter{Step: event.StepEncryptor, Newer: time.Minute}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.filter.matches(letter, now); got != c.want {
				t.Errorf("matches: %t", got)
			}
			if c.filter.set() != (name != "no filter") {
				t.Errorf("set: %t", c.filter.set())
			}
		})
	}
	if (letterFilter{Error: "x"}).matches(deadletter.Letter{}, now) {
		t.Error("a letter without errors has one")
	}
}

func TestDLQ_ListShowsALineForEach(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	command(t, at(c.s), "dlq", "list").succeeds(t, "0 dead letters\n")
	c.bury(t, "a", nil)
	c.bury(t, "b", func(l *event.DeadLetter) { l.Step, l.Reason, l.Errors = event.StepUserWriter, event.ReasonPanic, nil })
	r := command(t, at(c.s), "dlq", "list")
	r.succeeds(t, "2 dead letters\n")
	want := regexp.MustCompile(`^     1  \S+  encryptor       delivery_limit  saga a                        call: no answer
     2  \S+  user-writer     panic           saga b                        
2 dead letters
$`)
	if !want.MatchString(r.out) {
		t.Errorf("printed:\n%s", r.out)
	}
	command(t, at(c.s), "dlq", "list", "--reason", "panic", "--newer", "1h").succeeds(t, "saga b", "1 dead letters\n")
	command(t, at(c.s), "dlq", "list", "--newer=-1h").fails(t, 1, "--newer, --older: want a duration above 0")
}

// One letter that cannot be decoded hides none of the others.
func TestDLQ_ListGoesOnAfterALetterThatCannotBeDecoded(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	if _, err := c.s.JS().PublishMsg(t.Context(), &nats.Msg{Subject: "dlq.user.create.x.u.s", Data: []byte("sesame")}); err != nil {
		t.Fatal(err)
	}
	c.bury(t, "a", nil)
	r := command(t, at(c.s), "dlq", "list")
	r.fails(t, 1, "decode dead letter 1")
	r.prints(t, "saga a", "1 dead letters\n")
}

func TestDLQ_ShowSaysAllButSecrets(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	c.bury(t, "a-r1", func(l *event.DeadLetter) { l.ReplayOf = "a" })
	r := command(t, at(c.s), "dlq", "show", "1")
	r.succeeds(t, "dead letter 1\n", "step        encryptor\n", "reason      delivery_limit\n",
		"saga        a-r1, a new attempt at a (createuser dlq list --saga a)\n", "user        "+event.UserHash("ada")+" (hash of the Id)\n",
		"event       user.create.code-checked."+event.UserHash("ada")+".a-r1 (a-r1.code-checked)\n", "sequence 7 of USER_CREATE_EVENTS\n", "after 10 deliveries\n",
		"errors:\n    call: no answer\n    second line\n    no answer\n", `message     {"id":"ada","image":"(hidden)","sealed":"(hidden)","username":"Ada"}`)
	command(t, at(c.s), "dlq", "show", "2").fails(t, 1, "no such dead letter: 2")
	command(t, at(c.s), "dlq", "show", "0").fails(t, 1, "no such dead letter: 0")
}

// otherKey is a private key for dead letters with the given id.
func otherKey(t testing.TB, id string) string {
	t.Helper()
	key, err := event.GenerateKey(id)
	if err != nil {
		t.Fatal(err)
	}
	text, err := key.Text()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDLQ_AKeyThatIsMissingOrWrongIsNamed(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	c.bury(t, "a", nil)
	for name, tt := range map[string]struct {
		key, want string
		opens     bool // it can be read as a key
	}{
		"no key at all":       {"", "DEAD_LETTER_PRIVATE_KEY is not set", false},
		"what is no key":      {"sesame", "DEAD_LETTER_PRIVATE_KEY: private key 1: want", false},
		"a key of another id": {otherKey(t, "other"), "is it another DEAD_LETTER_PRIVATE_KEY?", true},
		"a key of the id":     {otherKey(t, "dev-dlq"), "is it another DEAD_LETTER_PRIVATE_KEY?", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := at(c.s).With(service.Vars{"CREATE_USER_MODE": "production", "DEAD_LETTER_PRIVATE_KEY": tt.key})
			for _, args := range [][]string{{"dlq", "replay", "1"}, {"dlq", "replay", "1", "--dry-run"}} {
				r := command(t, vars, args...)
				r.fails(t, 1, tt.want)
				if r.out != "" || tt.key != "" && strings.Contains(r.err, tt.key) {
					t.Errorf("printed %s%s", r.out, r.err)
				}
			}
			shown := command(t, vars, "dlq", "show", "1") // all else can be seen without
			shown.succeeds(t, "step        encryptor", "message     sealed (", tt.want)
		})
	}
	if got := c.s.Contents(event.StreamEvents); got != "" {
		t.Errorf("the event store holds %s", got)
	}
}

func TestDLQ_ReplayNumbersItsAttempts(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	for _, sagaID := range []string{"a", "b"} {
		c.bury(t, sagaID, nil)
	}
	command(t, at(c.s), "dlq", "replay", "--all", "--dry-run").succeeds(t,
		"would replay 1 from encryptor as saga a-r1\nwould replay 2 from encryptor as saga b-r1\n")
	if got := c.s.Contents(event.StreamEvents); got != "" {
		t.Errorf("a dry run stores %s", got)
	}
	command(t, at(c.s), "dlq", "replay", "1", "--deadline", "1h").succeeds(t, "replayed 1 from encryptor as saga a-r1\n")
	first := c.s.History(key("ada", "a-r1"))
	if len(first) != 1 || first[0].Type != event.TypeCodeChecked || time.Until(first[0].Meta.Deadline) < 59*time.Minute {
		t.Errorf("the attempt is %+v", first)
	}
	command(t, at(c.s), "dlq", "replay", "--all").succeeds(t,
		"passed over 1: replayed before, as saga a-r1 (--again replays it once more)\n", "replayed 2 from encryptor as saga b-r1\n")
	command(t, at(c.s), "dlq", "replay", "1", "1").succeeds(t, "passed over 1")
	command(t, at(c.s), "dlq", "replay", "1", "--again", "--dry-run").succeeds(t, "would replay 1 from encryptor as saga a-r2\n")
	command(t, at(c.s), "dlq", "replay", "1", "--again").succeeds(t, "replayed 1 from encryptor as saga a-r2\n")
	command(t, at(c.s), "dlq", "replay", "1", "--again").succeeds(t, "as saga a-r3\n")

	// The letter of an attempt that has failed is replayed as the next one.
	c.bury(t, "a-r3", func(l *event.DeadLetter) { l.ReplayOf = "a-r2" })
	command(t, at(c.s), "dlq", "replay", "--saga", "a-r3").fails(t, 1, "dead letter 3: the saga is still under way")
	c.fail(t, "a-r3")
	command(t, at(c.s), "dlq", "replay", "--saga", "a-r3").succeeds(t, "replayed 3 from encryptor as saga a-r4\n")
	command(t, at(c.s), "dlq", "replay", "--saga", "a-r3").succeeds(t, "passed over 3: replayed before, as saga a-r4")
}

func TestDLQ_ReplayGoesOnAfterWhatItRefuses(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	c.bury(t, "poisoned", func(l *event.DeadLetter) { l.Reason = event.ReasonPoison })
	c.bury(t, "ended", func(l *event.DeadLetter) { l.Subject = key("ada", "ended").Subject(event.TypeFailed) })
	c.bury(t, "good", nil)
	for _, dry := range []bool{true, false} {
		args := []string{"dlq", "replay", "--all"}
		if dry {
			args = append(args, "--dry-run")
		}
		r := command(t, at(c.s), args...)
		r.fails(t, 1, "dead letter 1: the message cannot be read", "dead letter 2: the saga has ended")
		r.prints(t, "replay")
		if strings.Contains(r.out, "poisoned") || strings.Contains(r.out, "ended") || !strings.Contains(r.out, "good-r1") {
			t.Errorf("printed:\n%s", r.out)
		}
	}
	r := command(t, at(c.s), "dlq", "replay", "9", "3", "--again")
	r.fails(t, 1, "no such dead letter: 9")
	r.prints(t, "good-r2")
}

func TestDLQ_DiscardDeletesWhatIsChosenAndNoMore(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	for i, sagaID := range []string{"a", "b", "c", "d"} {
		c.bury(t, sagaID, func(l *event.DeadLetter) {
			if i == 1 {
				l.Reason = event.ReasonPanic
			}
		})
	}
	left := func() []string {
		return regexp.MustCompile(`saga \w`).FindAllString(command(t, at(c.s), "dlq", "list").out, -1)
	}
	command(t, at(c.s), "dlq", "discard", "--all", "--dry-run").succeeds(t, "would discard 1 (saga a)", "would discard 4 (saga d)")
	if got := left(); len(got) != 4 {
		t.Errorf("left: %v", got)
	}
	command(t, at(c.s), "dlq", "discard", "--reason", "panic").succeeds(t, "discarded 2 (saga b)\n")
	r := command(t, at(c.s), "dlq", "discard", "1", "2", "4")
	r.fails(t, 1, "no such dead letter: 2")
	r.prints(t, "discarded 1 (saga a)\ndiscarded 4 (saga d)\n")
	if got := left(); !slices.Equal(got, []string{"saga c"}) {
		t.Errorf("left: %v", got)
	}
}

// A choice that says nothing, or two things, must not act on everything.
func TestDLQ_RefusesADoubtfulChoice(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	c.bury(t, "a", nil)
	for _, action := range []string{"replay", "discard"} {
		for _, args := range [][]string{
			{}, {"--dry-run"}, {"1", "--all"}, {"1", "--step", "encryptor"}, {"1", "--older", "1h"}, {"--older=-1h"}, {"--newer=-1h"}, {"--step", "", "--older", "0"},
		} {
			r := command(t, at(c.s), append([]string{"dlq", action}, args...)...)
			r.fails(t, 1, "")
			if r.out != "" {
				t.Errorf("dlq %s %v printed: %s", action, args, r.out)
			}
		}
	}
	command(t, at(c.s), "dlq", "replay", "1", "--deadline", "0s").fails(t, 1, "--deadline: want a duration above 0")
	command(t, at(c.s), "dlq", "list").succeeds(t, "1 dead letters")
}

// Whatever was dead-lettered, no command prints a secret of it.
func TestDLQ_NeverPrintsASecret(t *testing.T) {
	t.Parallel()
	c := newCemetery(t)
	secrets := []string{secretPhone, secretPassword, secretCode}
	text := rapid.SampledFrom([]string{secretPhone, secretPassword, secretCode, "\"" + secretPassword, secretPhone + "\n"})
	generated := rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return event.Requested{ID: "ada", Username: "Ada", Token: text.Draw(t, "Token"), Code: text.Draw(t, "Code"), Phone: text.Draw(t, "Phone"), Password: text.Draw(t, "Password"), Image: event.Image{Inline: text.Draw(t, "Image")}}
		case 1:
			return event.Encrypted{ID: "ada", Username: "Ada", EncryptedPhone: text.Draw(t, "phone"), EncryptedPassword: text.Draw(t, "password")}
		case 2:
			return map[string]any{"Id": "ada", "password": text.Draw(t, "password"), text.Draw(t, "name"): 1, "Sealed": map[string]any{"id": text.Draw(t, "inner")}, "username": []string{text.Draw(t, "list")}}
		}
		return []any{text.Draw(t, "element")}
	})
	const letters = 12
	for i := range letters {
		k := key("ada", fmt.Sprint("s", i))
		c.buryMessage(t, k, generated.Example(i), func(l *event.DeadLetter) {
			l.Step, l.Reason, l.Subject, l.Stream = event.StepTokenVerifier, event.ReasonPanic, event.SubjectRequested, event.StreamRequests
			l.Errors = []string{"panic: as logged"}
		})
	}
	var all strings.Builder
	for i := range letters {
		r := command(t, at(c.s), "dlq", "show", fmt.Sprint(i+1))
		r.succeeds(t, "message     ")
		all.WriteString(r.out + r.err)
	}
	for _, args := range [][]string{{"list"}, {"replay", "--all", "--dry-run"}, {"replay", "--all"}, {"discard", "--all"}} {
		r := command(t, at(c.s), append([]string{"dlq"}, args...)...)
		all.WriteString(r.out + r.err)
	}
	for _, secret := range secrets {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is printed:\n%s", secret, all.String())
		}
	}
}
