package saga

import (
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// appendHeader makes the headers of one append after the other. All have the same
// map, in which only the values change: a map for each costs more than what is in it.
type appendHeader struct {
	fields nats.Header
	names  [event.Headers + 2]string
	values [event.Headers + 2]string // the fields are parts of it; empty: there is no such field
}

func newAppendHeader() *appendHeader {
	h := &appendHeader{fields: nats.Header{}}
	names := event.HeaderNames()
	copy(h.names[:], names[:])
	h.names[event.Headers], h.names[event.Headers+1] = jetstream.ExpectedLastSubjSeqHeader, jetstream.ExpectedLastSubjSeqSubjHeader
	return h
}

// of returns the headers of the append of an event behind the event at sequence
// after. They hold until the next call.
func (h *appendHeader) of(m event.Meta, k event.Key, after uint64) nats.Header {
	for i, value := range m.HeaderValues() {
		h.set(i, value)
	}
	h.set(event.Headers, strconv.FormatUint(after, 10))
	h.set(event.Headers+1, k.History())
	return h.fields
}

func (h *appendHeader) set(i int, value string) {
	before := h.values[i]
	h.values[i] = value
	switch {
	case value == "" && before != "":
		delete(h.fields, h.names[i])
	case value != "" && before == "":
		h.fields[h.names[i]] = h.values[i : i+1 : i+1]
	}
}
