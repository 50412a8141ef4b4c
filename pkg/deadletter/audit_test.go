package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/create-user/create-user/pkg/deadletter"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestBox_StoresWhoDidWhat(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	box := deadletter.Open(s.JS())
	for _, id := range []string{"a", "b"} {
		o.bury(t, s, event.Key{User: "u", Saga: id}, event.Original{Data: []byte("{}")}, nil)
	}
	keep(t, s, event.Key{User: "u", Saga: "c"}, []byte("no letter"))
	if _, err := box.By("grace").Replay(t.Context(), get(t, box, 1), o.Opener, time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for _, number := range []uint64{2, 3} {
		if err := box.By("alan").Discard(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	got, err := box.Audits(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	want := []event.Audit{
		{Actor: "alan", Action: event.AuditDiscard, Letter: 3},
		{Actor: "alan", Action: event.AuditDiscard, Letter: 2, Step: event.StepEncryptor, User: "u", Saga: "b"},
		{Actor: "grace", Action: event.AuditReplay, Letter: 1, Step: event.StepEncryptor, User: "u", Saga: "a"},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(event.Audit{}, "Time")); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
	if got, err = box.Audits(t.Context(), 1); err != nil || len(got) != 1 || got[0].Letter != 3 {
		t.Errorf("the last one is %+v: %v", got, err)
	}
}

func TestBox_AnAuditEventThatCannotBeReadHidesNoOther(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	o.bury(t, s, event.Key{User: "u", Saga: "a"}, event.Original{Data: []byte("{}")}, nil)
	box := deadletter.Open(s.JS())
	if err := box.By("grace").Discard(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := s.JS().Publish(t.Context(), event.AuditSubject(event.AuditDiscard), []byte("nonsense")); err != nil {
		t.Fatal(err)
	}
	got, err := box.Audits(t.Context(), 10)
	if err != nil || len(got) != 2 || got[0].Error == "" || got[0].Time.IsZero() || got[1].Actor != "grace" {
		t.Errorf("audit %+v: %v", got, err)
	}
}

func TestBox_AnActThatIsBrokenOffDoesNotStandAsDone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepEncryptor)
	box := deadletter.Open(s.JS()).By("grace")
	ctx, leave := context.WithCancel(t.Context())
	if err := box.Audited(ctx, event.AuditReplay, func() error { leave(); return ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	got, err := box.Audits(t.Context(), 10)
	if err != nil || len(got) != 2 || got[0].Error == "" {
		t.Errorf("audit %+v: %v", got, err)
	}
}

func TestBox_DoesNothingThatCannotBeAudited(t *testing.T) {
	t.Parallel()
	s, o := sagatest.New(t, event.StepEncryptor), newOperators(t)
	o.bury(t, s, event.Key{User: "u", Saga: "a"}, event.Original{Data: []byte("{}")}, nil)
	if err := s.JS().DeleteStream(t.Context(), event.StreamAudit); err != nil {
		t.Fatal(err)
	}
	box := deadletter.Open(s.JS())
	if err := box.Discard(t.Context(), 1); err == nil {
		t.Error("discarded without an audit event")
	}
	if _, err := box.Replay(t.Context(), get(t, box, 1), o.Opener, time.Now().Add(time.Minute)); err == nil {
		t.Error("replayed without an audit event")
	}
	if l := get(t, box, 1); l.Saga != "a" {
		t.Errorf("the letter is gone: %+v", l)
	}
	if _, err := saga.NewStore(s.JS()).Last(t.Context(), event.Key{User: "u", Saga: "a-r1"}); !errors.Is(err, saga.ErrNoEvent) {
		t.Errorf("the attempt has a history: %v", err)
	}
}
