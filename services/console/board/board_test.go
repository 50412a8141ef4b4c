package board

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

func noon() time.Time { return time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC) }

// feeder applies events with growing sequences.
type feeder struct {
	*Board
	sequence uint64
}

func feed(limit int) *feeder { return &feeder{Board: New(limit)} }

// event applies one event of ada's saga, at noon plus after.
func (f *feeder) event(id string, kind event.Type, after time.Duration) {
	f.sequence++
	f.Apply(saga.Stored{Key: event.Key{User: "ada", Saga: id}, Type: kind, Sequence: f.sequence, Time: noon().Add(after)})
}

// end ends ada's saga with a code.
func (f *feeder) end(id string, code event.Code, after time.Duration) {
	ended := event.NewEnded("ada", event.StepEncryptor, code)
	data, err := json.Marshal(ended)
	if err != nil {
		panic(err)
	}
	f.sequence++
	f.Apply(saga.Stored{
		Key: event.Key{User: "ada", Saga: id}, Type: ended.EventType(), Sequence: f.sequence, Time: noon().Add(after), Data: data,
	})
}

func ids(found []Saga) (list []string) {
	for _, s := range found {
		list = append(list, s.Saga)
	}
	return list
}

func TestBoard_KnowsHowASagaStands(t *testing.T) {
	f := feed(10)
	f.event("s", event.TypeTokenVerified, 0)
	f.event("s", event.TypeCodeChecked, time.Second)
	if s, ok := f.Get(event.Key{User: "ada", Saga: "s"}); !ok || !s.Open() || s.Last != event.TypeCodeChecked {
		t.Errorf("under way: %+v, %t", s, ok)
	}
	f.end("s", event.CodeLocked, 2*time.Second)
	want := Saga{
		Key: event.Key{User: "ada", Saga: "s"}, Began: noon(), Changed: noon().Add(2 * time.Second),
		Last: event.TypeFailed, Code: event.CodeLocked, Sequence: 3,
	}
	got, _ := f.Get(want.Key)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	if n := f.Flow(noon()).Open; n != 0 {
		t.Errorf("%d open", n)
	}
}

func TestBoard_AnEventThatComesAgainCountsOnce(t *testing.T) {
	f := feed(10)
	f.event("s", event.TypeTokenVerified, 0)
	f.sequence-- // once more
	f.event("s", event.TypeTokenVerified, 0)
	if got := f.Series(noon()).Rates[event.TypeTokenVerified][points-1]; got != 1/Width.Seconds() {
		t.Errorf("rate %f", got)
	}
}

func TestBoard_ForgetsTheOldest(t *testing.T) {
	f := feed(3)
	for i := range 5 {
		f.event(fmt.Sprint("s", i), event.TypeTokenVerified, time.Duration(i)*time.Second)
	}
	found, total := f.Find(Query{User: "ada", Limit: 10})
	if diff := cmp.Diff([]string{"s4", "s3", "s2"}, ids(found)); diff != "" || total != 3 {
		t.Errorf("%d found (-want +got):\n%s", total, diff)
	}
	if n := f.Flow(noon()).Open; n != 3 {
		t.Errorf("%d open", n)
	}
}

func TestBoard_ForgetsAUserWithTheirLastSaga(t *testing.T) {
	f := feed(1)
	f.event("a", event.TypeTokenVerified, 0)
	f.Apply(saga.Stored{Key: event.Key{User: "bob", Saga: "b"}, Type: event.TypeTokenVerified, Sequence: 9, Time: noon()})
	if found, _ := f.Find(Query{User: "ada", Limit: 10}); len(found) != 0 || len(f.byUser) != 1 {
		t.Errorf("found %v, %d users", ids(found), len(f.byUser))
	}
}

func TestFind_ChoosesAndPages(t *testing.T) {
	f := feed(100)
	f.event("a", event.TypeTokenVerified, 0)
	f.end("a", event.CodeLocked, time.Second)
	f.event("a-r1", event.TypeTokenVerified, 2*time.Second)
	f.event("b", event.TypeTokenVerified, 3*time.Second)
	f.end("b", event.CodeCreated, 4*time.Second)
	f.Apply(saga.Stored{Key: event.Key{User: "bob", Saga: "c"}, Type: event.TypeTokenVerified, Sequence: 99, Time: noon().Add(time.Minute)})
	for name, c := range map[string]struct {
		query Query
		want  []string
		total int
	}{
		"all, the newest first":        {Query{Limit: 10}, []string{"c", "b", "a-r1", "a"}, 4},
		"of a user":                    {Query{User: "ada", Limit: 10}, []string{"b", "a-r1", "a"}, 3},
		"of nobody":                    {Query{User: "eve", Limit: 10}, nil, 0},
		"a saga and its attempts":      {Query{Saga: "a", Limit: 10}, []string{"a-r1", "a"}, 2},
		"those under way":              {Query{Open: true, Limit: 10}, []string{"c", "a-r1"}, 2},
		"by code":                      {Query{Code: event.CodeLocked, Limit: 10}, []string{"a"}, 1},
		"from a time on":               {Query{From: noon().Add(3 * time.Second), Limit: 10}, []string{"c", "b"}, 2},
		"before a time":                {Query{To: noon().Add(2 * time.Second), Limit: 10}, []string{"a"}, 1},
		"a page, and how many in all":  {Query{Skip: 1, Limit: 2}, []string{"b", "a-r1"}, 4},
		"a page beyond the last":       {Query{Skip: 10, Limit: 2}, nil, 4},
		"an attempt finds the first":   {Query{Saga: "a-r1", Limit: 10}, []string{"a-r1", "a"}, 2},
		"of a user, with another code": {Query{User: "bob", Code: event.CodeCreated, Limit: 10}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			found, total := f.Find(c.query)
			if diff := cmp.Diff(c.want, ids(found)); diff != "" || total != c.total {
				t.Errorf("%d in all, want %d (-want +got):\n%s", total, c.total, diff)
			}
		})
	}
}

func TestFlow_MeasuresTheLastSpan(t *testing.T) {
	f := feed(100)
	f.end("old", event.CodeLocked, -Span-Width)
	for i := range 10 {
		id := fmt.Sprint("s", i)
		f.event(id, event.TypeTokenVerified, -10*time.Second)
		f.event(id, event.TypeCodeChecked, -10*time.Second+20*time.Millisecond)
	}
	f.end("s0", event.CodeIncorrect, -8*time.Second)
	flow := f.Flow(noon())
	if flow.Open != 9 || flow.Codes[event.CodeIncorrect] != 1 || flow.Codes[event.CodeLocked] != 0 {
		t.Errorf("%d open, ends %v", flow.Open, flow.Codes)
	}
	if got := flow.Rate[event.TypeCodeChecked]; got != 10/(rateOver*Width.Seconds()) {
		t.Errorf("rate %f", got)
	}
	if got := flow.Hop[event.TypeCodeChecked]; got.P50 < 20*time.Millisecond || got.P99 > 22*time.Millisecond {
		t.Errorf("hop %+v, want 20 ms and at most 9 %% more", got)
	}
	if got := flow.Oldest[event.TypeCodeChecked]; !got.Equal(noon().Add(-10*time.Second + 20*time.Millisecond)) {
		t.Errorf("the oldest has waited since %s", got)
	}
	series := f.Series(noon())
	if len(series.Times) != points || series.Codes[event.CodeIncorrect][points-3] != 1 || len(series.Codes) != 1 {
		t.Errorf("codes of the plots: %v", series.Codes)
	}
}

func TestListen_TellsOfItsSagaAlone(t *testing.T) {
	f := feed(10)
	l := f.Listen(event.Key{User: "ada", Saga: "s"})
	f.event("other", event.TypeTokenVerified, 0)
	select {
	case <-l.Changed:
		t.Error("told of another saga")
	default:
	}
	f.event("s", event.TypeTokenVerified, 0)
	f.event("s", event.TypeCodeChecked, 0)
	<-l.Changed
	l.Close()
	f.event("s", event.TypeEncrypted, 0)
	select {
	case <-l.Changed:
		t.Error("told after the end")
	default:
	}
}

// BenchmarkFind searches 100,000 sagas, by what has no index.
func BenchmarkFind(b *testing.B) {
	f := feed(200_000)
	for i := range 100_000 {
		f.end(fmt.Sprint("s", i), event.CodeCreated, time.Duration(i)*time.Millisecond)
	}
	for b.Loop() {
		if _, total := f.Find(Query{Code: event.CodeLocked, From: noon(), Limit: 50}); total != 0 {
			b.Fatal(total)
		}
	}
}
