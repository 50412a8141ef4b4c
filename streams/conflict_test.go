package streams_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/streams"
)

// conflictsIn returns the conflicts that err joins.
func conflictsIn(err error) []*streams.Conflict {
	if c, ok := err.(*streams.Conflict); ok { //nolint:errorlint // the tree is walked here
		return []*streams.Conflict{c}
	}
	var all []*streams.Conflict
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, conflictsIn(one)...)
		}
	}
	return all
}

func TestApply_ExplainsWhatCannotChangeAndChangesNothingThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		asset  string
		change func(testing.TB, streams.Declarations)
		field  string
		why    string
		remedy string
	}{
		"retention to a work queue": {events, func(t testing.TB, d streams.Declarations) {
			streamOf(t, d, events).Retention = jetstream.WorkQueuePolicy
		}, `retention: declared "workqueue", server has "limits"`, "to or from a work queue", "nats stream rm USER_CREATE_EVENTS"},
		"retention to interest, which would drop messages": {events, func(t testing.TB, d streams.Declarations) {
			streamOf(t, d, events).Retention = jetstream.InterestPolicy
		}, `retention: declared "interest", server has "limits"`, "drops messages", "nats stream rm USER_CREATE_EVENTS"},
		"storage": {deadLetters, func(t testing.TB, d streams.Declarations) {
			streamOf(t, d, deadLetters).Storage = jetstream.MemoryStorage
		}, `storage: declared "memory", server has "file"`, "cannot change it", "nats stream rm USER_CREATE_DLQ"},
		"an age that stored messages exceed": {events, func(t testing.TB, d streams.Declarations) {
			streamOf(t, d, events).MaxAge = time.Nanosecond
		}, "max_age: declared 1ns, server has 168h0m0s", "older messages", "nats stream edit USER_CREATE_EVENTS --max-age=1ns"},
		"fewer messages a subject": {events, func(t testing.TB, d streams.Declarations) {
			streamOf(t, d, events).MaxMsgsPerSubject = 1
		}, "max_msgs_per_subject: declared 1, server has -1", "dropped at once", "--max-msgs-per-subject=1"},
		"where a consumer begins": {"encryptor", func(t testing.TB, d streams.Declarations) {
			consumerOf(t, d, "encryptor").DeliverPolicy = jetstream.DeliverNewPolicy
		}, `deliver_policy: declared "new", server has "all"`, "cannot change it", "nats consumer rm USER_CREATE_EVENTS encryptor"},
		"how many pulls wait at a consumer": {"encryptor", func(t testing.TB, d streams.Declarations) {
			consumerOf(t, d, "encryptor").MaxWaiting = 7
		}, "max_waiting: declared 7, server has 2048", "cannot change it", "nats consumer rm USER_CREATE_EVENTS encryptor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			js, d := oneServer(t), load(t)
			apply(t, js, d, streams.Options{})
			publish(t, js, "user.create.created.u.s")
			test.change(t, d)
			// Beside it, something harmless that must be applied all the same.
			consumerOf(t, d, "row-remover").MaxAckPending = 12345

			report, err := d.Apply(t.Context(), js, streams.Options{})
			conflicts := conflictsIn(err)
			if len(conflicts) != 1 {
				t.Fatalf("error %v, want one conflict", err)
			}
			c := conflicts[0]
			if c.String() != test.field || !strings.Contains(c.Why, test.why) || !strings.Contains(c.Remedy, test.remedy) {
				t.Errorf("conflict %v, want %q, %q, %q", c, test.field, test.why, test.remedy)
			}
			want := everything(d, streams.Unchanged, map[string]streams.Action{
				test.asset: streams.Refused, "row-remover": streams.Updated,
			})
			if diff := cmp.Diff(want, actions(report)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if got := actions(apply(t, js, load(t), streams.Options{})); got[test.asset] != streams.Unchanged {
				t.Errorf("%s is not as it was: %s", test.asset, got[test.asset])
			}
			wantMessages(t, js, events, 1, 1)
		})
	}
}

func TestApply_ReportsAllConflictsOfAStreamAtOnce(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{})
	config := streamOf(t, d, events)
	config.Retention, config.Storage = jetstream.WorkQueuePolicy, jetstream.MemoryStorage
	config.Description = "harmless, yet not applied alone"

	report, err := d.Apply(t.Context(), js, streams.Options{})
	var fields []string
	for _, c := range conflictsIn(err) {
		fields = append(fields, c.Field)
	}
	if diff := cmp.Diff([]string{"retention", "storage"}, fields); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
	if _, ok := errors.AsType[*streams.Conflict](err); !ok {
		t.Errorf("error %v is no Conflict", err)
	}
	if got := len(report[1].Drift); got != 3 {
		t.Errorf("the report shows %d drifts, want all 3: %v", got, report[1].Drift)
	}
}

func TestApply_ExplainsAPushConsumerInTheWay(t *testing.T) {
	t.Parallel()
	js, d := oneServer(t), load(t)
	apply(t, js, d, streams.Options{})
	if err := js.DeleteConsumer(t.Context(), events, "encryptor"); err != nil {
		t.Fatal(err)
	}
	push := jetstream.ConsumerConfig{Durable: "encryptor", DeliverSubject: "deliver.here"}
	if _, err := js.CreateOrUpdatePushConsumer(t.Context(), events, push); err != nil {
		t.Fatal(err)
	}
	_, err := d.Apply(t.Context(), js, streams.Options{})
	if !errors.Is(err, jetstream.ErrNotPullConsumer) || !strings.Contains(err.Error(), "nats consumer rm "+events+" encryptor") {
		t.Errorf("error %v, want one with the remedy", err)
	}
}

// wantMessages checks which messages a stream holds.
func wantMessages(t testing.TB, js jetstream.JetStream, stream string, first, last uint64) {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	state := s.CachedInfo().State
	if state.FirstSeq != first || state.LastSeq != last || state.Msgs != last-first+1 {
		t.Errorf("%s holds %d messages, %d to %d; want %d to %d", stream, state.Msgs, state.FirstSeq, state.LastSeq, first, last)
	}
}
