package saga_test

import (
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// limitEvents bounds how many events the event store takes; -1 for any number.
func limitEvents(t *testing.T, s *sagatest.Server, n int64) {
	t.Helper()
	stream, err := s.JS().Stream(t.Context(), event.StreamEvents)
	if err != nil {
		t.Fatal(err)
	}
	cfg := stream.CachedInfo().Config
	cfg.MaxMsgs = n
	if _, err := s.JS().UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}
