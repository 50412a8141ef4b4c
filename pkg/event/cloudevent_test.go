package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/create-user/create-user/pkg/event"
)

func TestMeta_AbsentHeadersLeaveZeroValues(t *testing.T) {
	for name, h := range map[string]map[string][]string{
		"no headers":       nil,
		"other headers":    {"Nats-Msg-Id": {"1"}, "x": {"y"}},
		"headers no value": {event.HeaderID: nil, event.HeaderTime: {}, event.HeaderDeadline: {""}, event.HeaderType: {""}},
		"too long to be ours": header(map[string]string{
			event.HeaderID: strings.Repeat("x", event.MaxHeader+1), event.HeaderDeadline: strings.Repeat("2", event.MaxHeader+1),
			event.HeaderType: strings.Repeat("t", event.MaxHeader+1), event.HeaderTraceParent: strings.Repeat("0", event.MaxHeader+1),
		}),
	} {
		t.Run(name, func(t *testing.T) {
			m, err := event.ParseMeta(h)
			if err != nil || m != (event.Meta{}) {
				t.Errorf("got %+v, %v; want the zero value", m, err)
			}
		})
	}
}

func TestMeta_LongestHeaderIsRead(t *testing.T) {
	id := strings.Repeat("x", event.MaxHeader)
	if m, err := event.ParseMeta(header(map[string]string{event.HeaderID: id})); err != nil || m.ID != id {
		t.Errorf("got an id of %d bytes, %v", len(m.ID), err)
	}
}

func TestMeta_FirstValueOfAHeaderCounts(t *testing.T) {
	if m, err := event.ParseMeta(map[string][]string{event.HeaderID: {"one", "two"}}); err != nil || m.ID != "one" {
		t.Errorf("got %q, %v", m.ID, err)
	}
}

func TestMeta_MalformedHeadersAreRefusedWithoutEchoingThem(t *testing.T) {
	for _, c := range []struct{ name, header, value string }{
		{"deadline in words", event.HeaderDeadline, "tomorrow"},
		{"deadline as a number", event.HeaderDeadline, "1767323045"},
		{"deadline without a zone", event.HeaderDeadline, "2026-01-02T03:04:05"},
		{"deadline with garbage behind", event.HeaderDeadline, "2026-01-02T03:04:05Z drop"},
		{"deadline past the calendar's end", event.HeaderDeadline, "9999-12-31T23:59:59-01:00"},
		{"deadline before the calendar's beginning", event.HeaderDeadline, "0000-01-01T00:00:00+01:00"},
		{"deadline on a day that is none", event.HeaderDeadline, "2026-02-30T03:04:05Z"},
		{"time in words", event.HeaderTime, "yesterday"},
		{"type of another system", event.HeaderType, "com.example.signup"},
		{"type without a version", event.HeaderType, "user.create.requested"},
		{"type of another version", event.HeaderType, "user.create.requested.v2"},
		{"type without a name", event.HeaderType, "user.create..v1"},
		{"type that is only the version", event.HeaderType, "user.create.v1"},
		{"type with a wildcard", event.HeaderType, "user.create.*.v1"},
		{"type of two tokens", event.HeaderType, "user.create.a.b.v1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := event.ParseMeta(header(map[string]string{c.header: c.value}))
			if err == nil {
				t.Fatal("it is accepted")
			}
			if !strings.Contains(err.Error(), c.header) || strings.Contains(err.Error(), c.value) {
				t.Errorf("error %q: want one that names the header and not its value", err)
			}
		})
	}
}

// A deadline that every reader accepts at first must not become one that the
// reader of the next event refuses.
func TestMeta_TimesTravelInUTC(t *testing.T) {
	m, err := event.ParseMeta(header(map[string]string{event.HeaderDeadline: "2026-01-02T03:04:05.5+01:00"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header()[event.HeaderDeadline][0]; got != "2026-01-02T02:04:05.5Z" {
		t.Errorf("got %s", got)
	}
}

// The example of the CloudEvents NATS protocol binding, §3.1.3.2, and its edges.
func TestMeta_ValuesArePercentEncoded(t *testing.T) {
	for plain, encoded := range map[string]string{
		"Euro € 😀":           "Euro%20%E2%82%AC%20%F0%9F%98%80",
		`say "100%"`:         "say%20%22100%25%22",
		"!#$&'()*+,-./:~":    "!#$&'()*+,-./:~",
		"a\r\nNats-X: y":     "a%0D%0ANats-X:%20y",
		"\x00\x1f\x7f\u0080": "%00%1F%7F%C2%80",
		"a+b":                "a+b",
	} {
		got := event.Meta{ID: plain, Source: plain, Saga: plain, Causation: plain}
		for _, name := range []string{event.HeaderID, event.HeaderSource, event.HeaderSubject, event.HeaderCausation} {
			if h := got.Header()[name]; len(h) != 1 || h[0] != encoded {
				t.Errorf("%s of %q is %q, want %q", name, plain, h, encoded)
			}
		}
		if read, err := event.ParseMeta(got.Header()); err != nil || read != got {
			t.Errorf("%q is read back as %+v, %v", plain, read, err)
		}
	}
}

func TestMeta_ValuesEncodedOtherwiseAreReadAsFarAsPossible(t *testing.T) {
	for encoded, want := range map[string]string{
		"%e2%82%ac": "€",        // lower case must be accepted
		"%61":       "a",        // encoded without need
		"100%":      "100%",     // not encoded by the rules: as it stands
		"%zz":       "%zz",      //
		"%C0%A0":    "%C0%A0",   // not UTF-8 when decoded
		"%2541":     "%41",      // decoded once
		"€ plain":   "€ plain",  //
		"a\x84b":    "a\ufffdb", // not UTF-8 as it stands
	} {
		if m, err := event.ParseMeta(header(map[string]string{event.HeaderID: encoded})); err != nil || m.ID != want {
			t.Errorf("%q is read as %q, %v; want %q", encoded, m.ID, err, want)
		}
	}
}

func TestMeta_TraceStateNeedsAParent(t *testing.T) {
	if h := (event.Meta{TraceState: "a=1"}).Header(); h[event.HeaderTraceState] != nil {
		t.Errorf("got %v", h)
	}
}

// anyMeta draws headers within what a reader accepts.
func anyMeta(t *rapid.T) event.Meta {
	text := rapid.StringN(0, 40, 128)                // at most 384 bytes when encoded
	year := int64(365 * 24 * 3600)                   // in seconds
	times := rapid.Int64Range(-1900*year, 7900*year) // around 1970: the years 71 to 9864
	at := func(name string) time.Time {
		return time.Unix(times.Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns"))
	}
	m := event.Meta{
		ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Saga: text.Draw(t, "saga"), Causation: text.Draw(t, "causation"),
		Type: rapid.SampledFrom(append(event.Types(), "", "later-type")).Draw(t, "type"),
		Time: at("time"), Deadline: at("deadline"), Requested: at("requested"),
		TraceParent: rapid.StringMatching(`(00-[0-9a-f]{32}-[0-9a-f]{16}-0[01])?`).Draw(t, "parent"),
	}
	if m.TraceParent != "" {
		m.TraceState = rapid.StringMatching(`([a-z]{1,8}=[0-9a-z]{1,20})?`).Draw(t, "state")
	}
	return m
}

func TestMeta_SurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := anyMeta(t)
		h := m.Header()
		for name, values := range h {
			if len(values) != 1 || strings.ContainsFunc(values[0], func(r rune) bool { return r <= ' ' || r > '~' }) {
				t.Errorf("header %s is %q: want one value of printable ASCII", name, values)
			}
		}
		got, err := event.ParseMeta(h)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("(-made +read):\n%s", diff)
		}
	})
}
