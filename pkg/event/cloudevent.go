package event

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Version is the version of every event type of this contract.
const Version = "v1"

// Header names of CloudEvents 1.0 in binary mode over NATS, lower case because
// NATS headers are case-sensitive, and of W3C Trace Context.
//
// Sources: CloudEvents NATS protocol binding §3.1 (1.0.3-wip: 1.0.2 has no
// binary mode yet); W3C Trace Context §3.
const (
	HeaderSpecVersion = "ce-specversion"
	HeaderID          = "ce-id"
	HeaderSource      = "ce-source"
	HeaderType        = "ce-type"
	HeaderTime        = "ce-time"
	HeaderSubject     = "ce-subject"
	HeaderContentType = "ce-datacontenttype"
	HeaderDeadline    = "ce-sagadeadline"
	HeaderRequested   = "ce-sagarequested"
	HeaderCausation   = "ce-causationid"
	HeaderDeliveries  = "ce-sagadeliveries"
	HeaderTraceParent = "traceparent"
	HeaderTraceState  = "tracestate"
	HeaderMsgID       = "Nats-Msg-Id"
)

// maxHeader bounds, in bytes, what is copied from a header that came from outside.
const maxHeader = 512

// Meta is what stands in the headers of an event.
type Meta struct {
	ID                      string    // unique with Source
	Source                  string    // "/create-user/<service>"
	Type                    Type      // without prefix and version
	Time                    time.Time // when the event was made
	Saga                    string    // the ce-subject
	Deadline                time.Time // the saga ends by then; zero in a request that sets none
	Requested               time.Time // when the saga's request was stored; zero in a request
	Causation               string    // the ID of the event that led to this one
	Deliveries              int       // of that event until this one was made, when more than one; else 0
	TraceParent, TraceState string
}

// Headers is how many headers the fields of Meta have.
const Headers = 13

// HeaderNames returns the names of the headers of an event.
func HeaderNames() [Headers]string {
	return [...]string{
		HeaderSpecVersion, HeaderID, HeaderSource, HeaderType, HeaderTime, HeaderContentType, HeaderSubject,
		HeaderDeadline, HeaderRequested, HeaderCausation, HeaderDeliveries, HeaderTraceParent, HeaderTraceState,
	}
}

// HeaderValues returns the values of the headers of m, in the order of
// [HeaderNames]. That of a header which an event with m does not have is empty:
// there is none for a field that is zero, and no trace state without a parent.
func (m Meta) HeaderValues() [Headers]string {
	eventType, deliveries, state := "", "", ""
	if m.Type != "" {
		eventType = prefix + string(m.Type) + "." + Version
	}
	if m.Deliveries > 1 {
		deliveries = strconv.Itoa(m.Deliveries)
	}
	if m.TraceParent != "" {
		state = m.TraceState
	}
	return [...]string{
		"1.0", escape(m.ID), escape(m.Source), eventType, formatTime(m.Time), "application/json", escape(m.Saga),
		formatTime(m.Deadline), formatTime(m.Requested), escape(m.Causation), deliveries, m.TraceParent, state,
	}
}

// Header returns the NATS headers of m. The map's type is that of nats.Header and
// http.Header.
func (m Meta) Header() map[string][]string {
	h := make(map[string][]string, Headers)
	values := m.HeaderValues() // one array for all, instead of one for each
	for i, name := range HeaderNames() {
		if values[i] != "" {
			h[name] = values[i : i+1 : i+1]
		}
	}
	return h
}

// ParseMeta reads the headers of an event. Absent headers leave zero values: a
// request may come without any. It fails for a deadline or time that is not
// RFC 3339, and for a type that is not of this contract's version.
func ParseMeta(h map[string][]string) (Meta, error) {
	m := Meta{
		ID:          unescape(get(h, HeaderID)),
		Source:      unescape(get(h, HeaderSource)),
		Saga:        unescape(get(h, HeaderSubject)),
		Causation:   unescape(get(h, HeaderCausation)),
		TraceParent: get(h, HeaderTraceParent),
		TraceState:  get(h, HeaderTraceState),
	}
	var err error
	if m.Type, err = parseType(get(h, HeaderType)); err != nil {
		return m, err
	}
	if m.Time, err = parseTime(h, HeaderTime); err != nil {
		return m, err
	}
	if m.Deadline, err = parseTime(h, HeaderDeadline); err != nil {
		return m, err
	}
	m.Requested, _ = parseTime(h, HeaderRequested) // for measures alone: a malformed one counts as absent
	m.Deliveries = parseDeliveries(h)              // as above
	return m, nil
}

// parseDeliveries returns 0 for what is not more than one.
func parseDeliveries(h map[string][]string) int {
	n, err := strconv.Atoi(get(h, HeaderDeliveries))
	if err != nil || n < 2 {
		return 0
	}
	return n
}

func parseType(s string) (Type, error) {
	if s == "" {
		return "", nil
	}
	name, ours := strings.CutPrefix(s, prefix)
	name, known := strings.CutSuffix(name, "."+Version)
	if !ours || !known || !token(name) {
		return "", fmt.Errorf("header %s: want %s<type>.%s", HeaderType, prefix, Version)
	}
	return Type(name), nil
}

func parseTime(h map[string][]string, name string) (time.Time, error) {
	s := get(h, name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	// An offset may carry the ends of the calendar into a year that RFC 3339, and
	// so the next event's header, cannot hold.
	if t = t.UTC(); err != nil || t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}, fmt.Errorf("header %s: want a time as in RFC 3339", name)
	}
	return t, nil
}

// formatTime returns what parseTime reads; empty for the zero time.
func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// get returns the first value of a header; one too long to be ours counts as absent.
func get(h map[string][]string, name string) string {
	v := h[name]
	if len(v) == 0 || len(v[0]) > maxHeader {
		return ""
	}
	return v[0]
}

// escape percent-encodes what a CloudEvents header value must not hold: space,
// double quote, percent, and everything outside printable ASCII.
// Source: CloudEvents NATS protocol binding 1.0.3-wip §3.1.3.2.
func escape(s string) string {
	plain := func(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }
	n := 0
	for n < len(s) && plain(s[n]) {
		n++
	}
	if n == len(s) {
		return s // as nearly always
	}
	var b strings.Builder
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// unescape undoes escape. What was not encoded by the rules is taken as it
// stands; the result is always UTF-8, so that it can be sent on.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && utf8.ValidString(s) {
		return s // as nearly always
	}
	u, err := url.PathUnescape(s)
	if err != nil || !utf8.ValidString(u) {
		u = s
	}
	return strings.ToValidUTF8(u, "\ufffd")
}
