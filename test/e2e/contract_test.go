package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/streams"
)

// consumer is what the path and the declarations must agree on.
type consumer struct{ Stream, Filters string }

func TestContract_TheDeclaredConsumersAreThoseOfThePath(t *testing.T) {
	declared, err := streams.Load()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]consumer{}
	for _, c := range declared.Consumers {
		filters := c.Config.FilterSubjects
		if c.Config.FilterSubject != "" {
			filters = []string{c.Config.FilterSubject}
		}
		got[c.Config.Durable] = consumer{c.Stream, strings.Join(filters, " ")}
	}
	want := map[string]consumer{}
	for _, step := range event.Path() {
		if step.Consumes[0] == event.TypeRequested {
			want[step.Name] = consumer{event.StreamRequests, event.SubjectRequested}
			continue
		}
		var filters []string
		for _, t := range step.Consumes {
			filters = append(filters, event.SagaEvents(t))
		}
		want[step.Name] = consumer{event.StreamEvents, strings.Join(filters, " ")}
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
