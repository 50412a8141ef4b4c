package event_test

import (
	"slices"
	"testing"

	"github.com/create-user/create-user/pkg/event"
)

func TestPath_EveryConsumedEventWasAppendedByAnEarlierStep(t *testing.T) {
	appended := map[event.Type]bool{event.TypeRequested: true, event.TypeFailed: true} // from outside; by any step
	for _, step := range event.Path() {
		for _, in := range step.Consumes {
			if !appended[in] {
				t.Errorf("%s consumes %s, which no earlier step appends", step.Name, in)
			}
		}
		appended[step.Appends] = true
	}
}

func TestPath_IsOneLineFromRequestedToCompleted(t *testing.T) {
	want := []event.Type{
		event.TypeRequested, event.TypeTokenVerified, event.TypeCodeChecked, event.TypeEncrypted,
		event.TypeCreated, event.TypeCompleted,
	}
	at := 0
	for _, step := range event.Path() {
		if step.Appends == "" {
			continue
		}
		if !slices.Equal(step.Consumes, want[at:at+1]) || step.Appends != want[at+1] {
			t.Errorf("%s consumes %v and appends %s, want %s and %s", step.Name, step.Consumes, step.Appends, want[at], want[at+1])
		}
		at++
	}
	if at != len(want)-1 {
		t.Errorf("the path has %d steps that append, want %d", at, len(want)-1)
	}
}

func TestPath_EveryEventIsConsumed(t *testing.T) {
	for _, typ := range event.Types() {
		if !slices.ContainsFunc(event.Path(), func(s event.Step) bool { return slices.Contains(s.Consumes, typ) }) {
			t.Errorf("nobody consumes %s", typ)
		}
	}
}

func TestPath_StepsHaveDistinctNamesThatFitASubject(t *testing.T) {
	seen := map[string]bool{}
	for _, step := range event.Path() {
		if seen[step.Name] {
			t.Errorf("two steps are named %s", step.Name)
		}
		seen[step.Name] = true
		key := event.Key{User: event.UnknownUser, Saga: "s"}
		if name, got, err := event.ParseDeadLetterSubject(key.DeadLetterSubject(step.Name)); err != nil || name != step.Name || got != key {
			t.Errorf("dead letters of %s cannot be found again: %q, %v, %v", step.Name, name, got, err)
		}
	}
}

// The step-to-service table of DESIGN §6.
func TestPath_ServicesAreThoseOfTheDesign(t *testing.T) {
	want := map[string]string{
		"token-verifier": "token-verifier", "code-checker": "code-checker", "encryptor": "encryptor",
		"user-writer": "user-writer", "code-deleter": "code-checker", "claim-releaser": "code-checker",
		"row-remover": "user-writer", "notifier": "notifier",
	}
	for _, step := range event.Path() {
		if want[step.Name] != step.Service {
			t.Errorf("step %s belongs to %q, want %q", step.Name, step.Service, want[step.Name])
		}
		delete(want, step.Name)
	}
	if len(want) > 0 {
		t.Errorf("steps that the path lacks: %v", want)
	}
}

func TestTypes_FailureIsPossibleUpToThePivot(t *testing.T) {
	pivot := slices.Index(event.Types(), event.TypeCreated)
	for i, typ := range event.Types() {
		if got, want := typ.BeforePivot(), i < pivot; got != want {
			t.Errorf("BeforePivot of %s is %v, want %v", typ, got, want)
		}
		if got, want := typ.Terminal(), typ == event.TypeCompleted || typ == event.TypeFailed; got != want {
			t.Errorf("Terminal of %s is %v, want %v", typ, got, want)
		}
	}
	if unknown := event.Type("unheard-of"); unknown.BeforePivot() || unknown.Terminal() {
		t.Error("an unknown type counts as before the pivot or as terminal")
	}
}
