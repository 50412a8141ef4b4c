package watch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the deadline of the sagas in these tests.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// stored is the event of type t of a saga of user ada, at sequence n.
func stored(sagaID string, t event.Type, n uint64) saga.Stored {
	return saga.Stored{
		Key: event.Key{User: event.UserHash("ada"), Saga: sagaID}, Type: t, Sequence: n,
		Meta: event.Meta{ID: sagaID + "." + string(t), Deadline: noon}, Data: []byte(`{"id":"ada"}`),
	}
}

func TestOpenSagas_WhatIsLate(t *testing.T) {
	t.Parallel()
	verified, checked, encrypted := stored("s", event.TypeTokenVerified, 1), stored("s", event.TypeCodeChecked, 2), stored("s", event.TypeEncrypted, 3)
	created, completed, failed := stored("s", event.TypeCreated, 4), stored("s", event.TypeCompleted, 5), stored("s", event.TypeFailed, 5)
	timeless, unreadable, later := verified, verified, stored("s", "invented", 2)
	timeless.Meta.Deadline = time.Time{}
	unreadable.Data = []byte("{")
	otherUser := verified
	otherUser.User = event.UserHash("bob")
	for name, c := range map[string]struct {
		events []saga.Stored
		now    time.Time
		want   string
	}{
		"nothing":                                 {nil, noon, ""},
		"a saga before its deadline is not":       {[]saga.Stored{verified}, noon.Add(-1), ""},
		"a saga at its deadline is failed":        {[]saga.Stored{verified}, noon, "fail s of ada behind token-verified 1"},
		"a saga past its deadline is failed":      {[]saga.Stored{verified}, noon.Add(time.Hour), "fail s of ada behind token-verified 1"},
		"it is failed behind its last event":      {[]saga.Stored{verified, checked, encrypted}, noon, "fail s of ada behind encrypted 3"},
		"a saga past its pivot is reported":       {[]saga.Stored{verified, checked, encrypted, created}, noon, "report s behind created 4"},
		"a saga past its pivot has time":          {[]saga.Stored{created}, noon.Add(-1), ""},
		"a completed saga is not":                 {[]saga.Stored{verified, checked, encrypted, created, completed}, noon, ""},
		"a failed saga is not":                    {[]saga.Stored{verified, failed}, noon, ""},
		"the end of an unknown saga is nothing":   {[]saga.Stored{failed}, noon, ""},
		"a saga without a deadline is not":        {[]saga.Stored{timeless}, noon, ""},
		"a saga of an unknown Id is failed":       {[]saga.Stored{unreadable}, noon, "fail s of  behind token-verified 1"},
		"an event of another contract is no fail": {[]saga.Stored{verified, later}, noon, "report s behind invented 2"},
		"a saga of the same name is another":      {[]saga.Stored{verified, otherUser, failed}, noon, "fail s of ada behind token-verified 1"},
	} {
		t.Run(name, func(t *testing.T) {
			o := &openSagas{open: map[event.Key]*openSaga{}}
			for _, e := range c.events {
				o.apply(e)
			}
			toFail, toReport := o.late(c.now)
			var got []string
			for _, s := range toFail {
				got = append(got, fmt.Sprintf("fail %s of %s behind %s %d", s.key.Saga, s.userID, s.last, s.sequence))
			}
			for _, s := range toReport {
				got = append(got, fmt.Sprintf("report %s behind %s %d", s.key.Saga, s.last, s.sequence))
			}
			if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("late (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenSagas_AreFailedUntilTheyEndAndReportedOnce(t *testing.T) {
	t.Parallel()
	o := &openSagas{open: map[event.Key]*openSaga{}}
	o.apply(stored("a", event.TypeTokenVerified, 1))
	o.apply(stored("b", event.TypeCreated, 2))
	for round := range 3 {
		toFail, toReport := o.late(noon)
		if len(toFail) != 1 || (len(toReport) == 1) != (round == 0) {
			t.Errorf("round %d: %d to fail, %d to report", round, len(toFail), len(toReport))
		}
	}
	o.apply(stored("a", event.TypeFailed, 3))
	if toFail, toReport := o.late(noon); len(toFail)+len(toReport) != 0 {
		t.Errorf("%d to fail, %d to report", len(toFail), len(toReport))
	}
}

func TestOpenSagas_ForgetsWhatHasEnded(t *testing.T) {
	t.Parallel()
	o := &openSagas{open: map[event.Key]*openSaga{}}
	var n uint64
	for i := range 10_000 {
		id, end := fmt.Sprint("s", i), event.TypeCompleted
		if i%2 == 0 {
			end = event.TypeFailed
		}
		for _, kind := range []event.Type{event.TypeTokenVerified, event.TypeCodeChecked, end} {
			n++
			o.apply(stored(id, kind, n))
		}
		if i < 3 {
			n++
			o.apply(stored("open-"+id, event.TypeTokenVerified, n))
		}
	}
	if o.count() != 3 || len(o.open) != 3 {
		t.Errorf("%d sagas are kept", o.count())
	}
}
