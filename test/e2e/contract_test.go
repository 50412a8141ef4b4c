package e2e

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
)

// consumer is what the path and the declarations must agree on.
type consumer struct{ Stream, Filter string }

func TestContract_TheDeclaredConsumersAreThoseOfThePath(t *testing.T) {
	declared, err := streams.Load()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]consumer{}
	for _, c := range declared.Consumers {
		got[c.Config.Durable] = consumer{c.Stream, c.Config.FilterSubject}
	}
	want := map[string]consumer{}
	for _, step := range event.Path() {
		switch {
		case step.Name == event.StepNotifier: // follows the event store by itself
		case step.Consumes[0] == event.TypeRequested:
			want[step.Name] = consumer{event.StreamRequests, event.SubjectRequested}
		default:
			want[step.Name] = consumer{event.StreamEvents, event.SagaEvents(step.Consumes[0])}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("consumers (-path +declared):\n%s", diff)
	}
}

func TestContract_EveryEventHasASchema(t *testing.T) {
	for _, typ := range event.Types() {
		if _, err := streams.Schema(string(typ)); err != nil {
			t.Error(err)
		}
	}
}
