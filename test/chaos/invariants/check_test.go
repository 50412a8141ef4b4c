package invariants

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
)

const ada = "ada"

// world is a system at rest, in which ada has registered, and bob could not.
func world(t *testing.T) *Facts {
	t.Helper()
	f := &Facts{
		Registrations: []Registration{
			{ID: ada, Code: "111111", Ends: []event.Code{event.CodeCreated},
				Submissions: []Submission{{Saga: "a1", Stored: true, Attempts: 1}, {Saga: "a2", Stored: true, Attempts: 3}, {Stored: true, Attempts: 2}}},
			{ID: "bob", Code: "222222", Ends: []event.Code{event.CodeIncorrect}, Submissions: []Submission{{Saga: "b1", Stored: true, Attempts: 1}}},
		},
		Rows:   map[string]Row{ada: {Phone: "p", Password: "w", Name: "Ada", Image: "i"}},
		Codes:  map[string]string{"bob": "222222"},
		Claims: map[string]string{},
		Heard:  map[string][]Outcome{},
	}
	forward(t, f, ada, "a1")
	end(t, f, ada, "a1", event.StepCodeDeleter, event.CodeCreated, "")
	for _, saga := range []string{"a2", "made"} {
		tell(t, f, ada, saga, event.TypeTokenVerified, event.TokenVerified{ID: ada})
		end(t, f, ada, saga, event.StepCodeChecker, event.CodeDuplicateRequest, "a1")
	}
	tell(t, f, "bob", "b1", event.TypeTokenVerified, event.TokenVerified{ID: "bob"})
	end(t, f, "bob", "b1", event.StepCodeChecker, event.CodeIncorrect, "")
	hear(f, ada, "a1", event.CodeCreated)
	hear(f, ada, "a1", event.CodeCreated) // again, after a reconnection
	hear(f, "bob", "b1", event.CodeIncorrect)
	return f
}

// tell appends an event to a saga.
func tell(t *testing.T, f *Facts, id, saga string, kind event.Type, body any) {
	t.Helper()
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	f.Events = append(f.Events, Event{
		Key: event.Key{User: event.UserHash(id), Saga: saga}, Type: kind, Sequence: uint64(len(f.Events) + 1), Data: data,
	})
}

// forward appends what leads to a created user.
func forward(t *testing.T, f *Facts, id, saga string) {
	t.Helper()
	tell(t, f, id, saga, event.TypeTokenVerified, event.TokenVerified{ID: id})
	tell(t, f, id, saga, event.TypeCodeChecked, event.CodeChecked{ID: id})
	tell(t, f, id, saga, event.TypeEncrypted, event.Encrypted{
		ID: id, EncryptedPhone: "p", EncryptedPassword: "w", Username: "Ada", Image: event.Image{Inline: "i"},
	})
	tell(t, f, id, saga, event.TypeCreated, event.Created{ID: id})
}

func end(t *testing.T, f *Facts, id, saga, step string, code event.Code, of string) {
	t.Helper()
	e := event.NewEnded(id, step, code)
	e.Of = of
	tell(t, f, id, saga, e.EventType(), e)
}

func hear(f *Facts, id, saga string, code event.Code) {
	f.Heard[id] = append(f.Heard[id], Outcome{Message: code.Message(), Status: code == event.CodeCreated, Code: code, Saga: saga})
}

// drop removes the events of a saga from the given type on.
func drop(f *Facts, saga string, from event.Type) {
	seen := false
	f.Events = slices.DeleteFunc(f.Events, func(e Event) bool {
		seen = seen || e.Saga == saga && e.Type == from
		return seen && e.Saga == saga
	})
}

func TestCheck_FindsNothingWhereAllIsWell(t *testing.T) {
	f := world(t)
	if found := Check(*f); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if silent := Silent(*f); len(silent) > 0 {
		t.Errorf("silent: %v", silent)
	}
}

// breach is a world with one thing wrong, and the rules that must say so.
type breach struct {
	name  string
	spoil func(t *testing.T, f *Facts)
	want  []string // class and rule, once each
}

func breaches() []breach {
	return []breach{
		{"a saga stays open", func(_ *testing.T, f *Facts) { drop(f, "b1", event.TypeFailed) },
			[]string{"lost ended", "wrong heard"}},
		{"an acknowledged request has no saga", func(_ *testing.T, f *Facts) { drop(f, "b1", event.TypeTokenVerified) },
			[]string{"lost ended", "wrong heard"}},
		{"a request without an id has no saga", func(_ *testing.T, f *Facts) { drop(f, "made", event.TypeTokenVerified) },
			[]string{"lost ended"}},
		{"a saga came from nowhere", func(t *testing.T, f *Facts) {
			for _, saga := range []string{"more", "and-more"} {
				end(t, f, ada, saga, event.StepCodeChecker, event.CodeDuplicateRequest, "a1")
			}
		}, []string{"doubled ended"}},
		{"a user who never asked", func(t *testing.T, f *Facts) { end(t, f, "eve", "e1", "", event.CodeUserExists, "") },
			[]string{"wrong order"}},
		{"two ends", func(t *testing.T, f *Facts) {
			end(t, f, "bob", "b1", event.StepWatchdog, event.CodeDeadlineExceeded, "")
		}, []string{"doubled ended"}},
		{"a step left out", func(_ *testing.T, f *Facts) {
			f.Events = slices.DeleteFunc(f.Events, func(e Event) bool { return e.Saga == "a1" && e.Type == event.TypeCodeChecked })
		}, []string{"wrong order"}},
		{"failed behind the pivot", func(t *testing.T, f *Facts) {
			drop(f, "a1", event.TypeCompleted)
			end(t, f, ada, "a1", event.StepWatchdog, event.CodeDeadlineExceeded, "")
		}, []string{"wrong order", "wrong outcome", "wrong heard", "wrong row", "wrong code", "lost once", "unheard unheard"}},
		{"a fault of the machinery told as the user's", func(t *testing.T, f *Facts) {
			drop(f, "a1", event.TypeEncrypted)
			end(t, f, ada, "a1", event.StepEncryptor, event.CodeEncryptionFailed, "")
			f.Codes[ada] = "111111"
			delete(f.Rows, ada)
			f.Heard[ada] = nil
			hear(f, ada, "a1", event.CodeEncryptionFailed)
		}, []string{"wrong outcome", "lost once"}},
		{"two users of one Id", func(t *testing.T, f *Facts) {
			drop(f, "a2", event.TypeTokenVerified)
			forward(t, f, ada, "a2")
			end(t, f, ada, "a2", event.StepCodeDeleter, event.CodeCreated, "")
		}, []string{"doubled once"}},
		{"a duplicate of nothing", func(t *testing.T, f *Facts) {
			drop(f, "a2", event.TypeFailed)
			end(t, f, ada, "a2", event.StepCodeChecker, event.CodeDuplicateRequest, "nobody")
		}, []string{"wrong duplicate"}},
		{"every saga a duplicate", func(t *testing.T, f *Facts) {
			drop(f, "b1", event.TypeFailed)
			end(t, f, "bob", "b1", event.StepCodeChecker, event.CodeDuplicateRequest, "b1")
			f.Heard["bob"] = nil
		}, []string{"wrong duplicate", "lost duplicate"}},
		{"no row", func(_ *testing.T, f *Facts) { delete(f.Rows, ada) }, []string{"lost row"}},
		{"a row of a refused user", func(_ *testing.T, f *Facts) { f.Rows["bob"] = Row{} }, []string{"wrong row"}},
		{"a row of another saga", func(_ *testing.T, f *Facts) { f.Rows[ada] = Row{Phone: "q", Password: "w", Name: "Ada", Image: "i"} },
			[]string{"wrong row"}},
		{"the code is left", func(_ *testing.T, f *Facts) { f.Codes[ada] = "111111" }, []string{"wrong code"}},
		{"the code of a refused user is gone", func(_ *testing.T, f *Facts) { delete(f.Codes, "bob") }, []string{"wrong code"}},
		{"a claim is left", func(_ *testing.T, f *Facts) { f.Claims["bob"] = "b1" }, []string{"wrong claim"}},
		{"nothing heard", func(_ *testing.T, f *Facts) { f.Heard[ada] = nil }, []string{"unheard unheard"}},
		{"another sentence heard", func(_ *testing.T, f *Facts) { f.Heard["bob"][0].Message = "Error processing job" },
			[]string{"wrong heard", "unheard unheard"}},
		{"a duplicate heard", func(_ *testing.T, f *Facts) { hear(f, ada, "a2", event.CodeDuplicateRequest) },
			[]string{"wrong heard"}},
		{"another user's outcome heard", func(_ *testing.T, f *Facts) { hear(f, "bob", "a1", event.CodeCreated) },
			[]string{"wrong heard"}},
		{"a failure heard after the success", func(t *testing.T, f *Facts) {
			drop(f, "a2", event.TypeFailed)
			end(t, f, ada, "a2", event.StepCodeChecker, event.CodeIncorrect, "")
			hear(f, ada, "a2", event.CodeIncorrect)
		}, []string{"wrong outcome", "doubled heard"}},
		{"an end that contradicts itself", func(t *testing.T, f *Facts) {
			drop(f, "b1", event.TypeFailed)
			e := event.NewEnded("bob", event.StepCodeChecker, event.CodeIncorrect)
			e.Message = "User created successfully"
			tell(t, f, "bob", "b1", event.TypeFailed, e)
			f.Heard["bob"] = []Outcome{{Message: e.Message, Code: e.Code, Saga: "b1"}}
		}, []string{"wrong outcome"}},
		{"a dead letter", func(_ *testing.T, f *Facts) { f.DeadLetters = []event.DeadLetter{{User: "x", Saga: "b1"}} },
			[]string{"wrong dead letter"}},
	}
}

func TestCheck_FindsEachBreach(t *testing.T) {
	for _, b := range breaches() {
		t.Run(b.name, func(t *testing.T) {
			f := world(t)
			b.spoil(t, f)
			got := map[string]bool{}
			for _, v := range Check(*f) {
				got[string(v.Class)+" "+v.Rule] = true
			}
			want := slices.Sorted(slices.Values(b.want))
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("violations (-want +got):\n%s%v", diff, Check(*f))
			}
		})
	}
}

func TestCheck_AcceptsACodeThatWrongTriesHaveLocked(t *testing.T) {
	f := world(t)
	b := &f.Registrations[1]
	for _, saga := range []string{"b2", "b3", "b4", "b5"} {
		b.Submissions = append(b.Submissions, Submission{Saga: saga, Stored: true, Attempts: 1})
		end(t, f, "bob", saga, event.StepCodeChecker, event.CodeIncorrect, "")
		hear(f, "bob", saga, event.CodeIncorrect)
	}
	delete(f.Codes, "bob")
	if found := Check(*f); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

func TestCount_CountsUsersNotRules(t *testing.T) {
	found := []Violation{{Class: Wrong, ID: ada, Rule: "row"}, {Class: Wrong, ID: ada, Rule: "code"}, {Class: Lost, ID: ada}, {Class: Wrong, ID: "bob"}}
	if n := Count(found, Wrong); n != 2 {
		t.Errorf("%d users were told wrong, want 2", n)
	}
}
