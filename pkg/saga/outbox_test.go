package saga_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// round is how many appends a round of these tests has at most.
const round = 500

// openOutbox opens an outbox on a connection of its own.
func openOutbox(t *testing.T, conn *nats.Conn) *saga.Lossy {
	t.Helper()
	out, err := saga.OpenLossy(conn, round)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	out.Reset()
	return out
}

// send begins an append behind the event at sequence after.
func send(t *testing.T, out *saga.Lossy, k event.Key, m event.Meta, after uint64) uint64 {
	t.Helper()
	n, err := out.Begin(m, k, []byte(`{"id":"ada"}`), after)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func metaOf(k event.Key, t event.Type) event.Meta {
	return event.Meta{ID: k.Saga + "." + string(t), Source: "/test", Type: t, Time: time.Now(), Saga: k.Saga, Deadline: time.Now()}
}

func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestOutbox_EachAppendHearsOfItself(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	out := openOutbox(t, s.JS().Conn())
	numbers := make([]uint64, round)
	for i := range round {
		k := s.Key("ada")
		numbers[i] = send(t, out, k, metaOf(k, event.TypeTokenVerified), uint64(i%2)) // every second one has nothing to follow
	}
	for i, number := range slices.Backward(numbers) {
		err := out.Wait(within(t, 30*time.Second), number)
		api, refused := errors.AsType[*jetstream.APIError](err)
		if i%2 == 0 && err != nil || i%2 == 1 && (!refused || api.ErrorCode != 10071) {
			t.Fatalf("append %d: %v", i, err)
		}
	}
}

func TestOutbox_HeadersAreThoseOfTheEventAlone(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	out := openOutbox(t, s.JS().Conn())
	k := s.Key("ada")
	full := metaOf(k, event.TypeTokenVerified)
	full.Causation, full.Deliveries, full.TraceParent, full.TraceState, full.Requested = "c", 3, "00-1-2-01", "a=b", time.Now()
	bare := metaOf(k, event.TypeCodeChecked)
	for i, m := range []event.Meta{full, bare} {
		if err := out.Wait(within(t, 30*time.Second), send(t, out, k, m, uint64(i))); err != nil {
			t.Fatal(err)
		}
		stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := stream.GetMsg(t.Context(), uint64(i+1))
		if err != nil {
			t.Fatal(err)
		}
		want := nats.Header(m.Header())
		want[jetstream.ExpectedLastSubjSeqHeader] = []string{fmt.Sprint(i)}
		want[jetstream.ExpectedLastSubjSeqSubjHeader] = []string{k.History()}
		for _, added := range []string{jetstream.StreamHeader, jetstream.SubjectHeader, jetstream.SequenceHeader, jetstream.TimeStampHeaer} {
			stored.Header.Del(added) // by the answer
		}
		if diff := cmp.Diff(want, stored.Header); diff != "" {
			t.Errorf("headers of event %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestOutbox_AnswerOfAnEarlierRoundIsPassedOver(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	out := openOutbox(t, s.JS().Conn())
	refused := s.Key("ada")
	for range 5 {
		send(t, out, refused, metaOf(refused, event.TypeTokenVerified), 7)
	}
	out.Reset()
	k := s.Key("ada")
	if err := out.Wait(within(t, 30*time.Second), send(t, out, k, metaOf(k, event.TypeTokenVerified), 0)); err != nil {
		t.Errorf("the append of this round: %v", err)
	}
}

// What the client library refused may still have been written, to a connection that
// breaks: what answers it must not be taken for the answer to another append.
func TestOutbox_NumberOfAnAppendThatWasRefusedIsNotGivenAgain(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	out := openOutbox(t, s.JS().Conn())
	k := s.Key("ada")
	m := metaOf(k, event.TypeTokenVerified)
	before := send(t, out, k, m, 0)
	if _, err := out.Begin(m, k, make([]byte, s.JS().Conn().MaxPayload()), 1); !errors.Is(err, nats.ErrMaxPayload) {
		t.Fatalf("got %v", err)
	}
	if next := send(t, out, k, m, 1); next != before+2 {
		t.Errorf("the append behind it has number %d, and the one before it %d", next, before)
	}
}

func TestOutbox_NoStreamAnswersAtOnce(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	if err := s.JS().DeleteStream(t.Context(), event.StreamEvents); err != nil {
		t.Fatal(err)
	}
	out := openOutbox(t, s.JS().Conn())
	k := s.Key("ada")
	err := out.Wait(within(t, 30*time.Second), send(t, out, k, metaOf(k, event.TypeTokenVerified), 0))
	if !errors.Is(err, jetstream.ErrNoStreamResponse) {
		t.Errorf("got %v", err)
	}
}

func TestOutbox_BrokenConnectionLosesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	conn, _ := s.Connect()
	silent(t, s)
	out := openOutbox(t, conn)
	k := s.Key("ada")
	n := send(t, out, k, metaOf(k, event.TypeTokenVerified), 0)
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := conn.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	if err := out.Wait(within(t, 30*time.Second), n); !errors.Is(err, nats.ErrDisconnected) {
		t.Errorf("got %v", err)
	}
}

func TestOutbox_SilenceEndsWithTheContext(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	silent(t, s)
	out := openOutbox(t, s.JS().Conn())
	k := s.Key("ada")
	n := send(t, out, k, metaOf(k, event.TypeTokenVerified), 0)
	if err := out.Wait(within(t, 10*time.Millisecond), n); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// silent has somebody take the appends who does not answer, in place of the store.
func silent(t *testing.T, s *sagatest.Server) { answer(t, s, nil) }

// answer answers every append in place of the store.
func answer(t *testing.T, s *sagatest.Server, with []byte) {
	t.Helper()
	if err := s.JS().DeleteStream(t.Context(), event.StreamEvents); err != nil {
		t.Fatal(err)
	}
	conn, _ := s.Connect()
	_, err := conn.Subscribe(event.SagaEvents("*"), func(m *nats.Msg) {
		if with != nil {
			_ = m.Respond(with) // the test waits for it
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestOutbox_ReadsEveryFormOfAnAnswer(t *testing.T) {
	t.Parallel()
	for with, want := range map[string]string{
		`{"stream":"USER_CREATE_EVENTS","seq":12}`:                  "",
		`{"stream":"USER_CREATE_EVENTS","domain":"hub","seq":12}`:   "",
		`{"stream":"USER_CREATE_EVENTS", "seq": 12}`:                "",
		`{"stream":"USER_CREATE_EVENTS","seq":12,"duplicate":true}`: "",
		`{"stream":"ANOTHER","seq":1}`:                              "",
		`{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"USER_CREATE_EVENTS","seq":0}`: "maximum messages exceeded",
		`{"stream":"USER_CREATE_EVENTS","seq":1,"error":{"code":400,"err_code":10071,"description":"wrong last sequence"}}`:       "wrong last sequence",
		`{"stream":"USER_CREATE_EVENTS","seq":}`:  "invalid jetstream publish response",
		`{"stream":"USER_CREATE_EVENTS","seq":12`: "invalid jetstream publish response",
		`{"seq":12}`: "invalid jetstream publish response",
		`+OK`:        "invalid jetstream publish response",
	} {
		t.Run(with, func(t *testing.T) {
			t.Parallel()
			s := sagatest.New(t)
			answer(t, s, []byte(with))
			out := openOutbox(t, s.JS().Conn())
			k := s.Key("ada")
			err := out.Wait(within(t, 30*time.Second), send(t, out, k, metaOf(k, event.TypeTokenVerified), 0))
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
}
