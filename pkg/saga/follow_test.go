package saga_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestFollow_MissesNothingOverARestart(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	var checks []func()
	old := s.Append(verified("old"), s.Key("old"), time.Time{})
	for _, tt := range []struct {
		name  string
		since time.Time
		want  []uint64
	}{
		{"from now on", time.Time{}, []uint64{old + 1, old + 2}},
		{"since yesterday", time.Now().Add(-24 * time.Hour), []uint64{old, old + 1, old + 2}},
	} {
		checks = append(checks, follow(t, s, tt.name, tt.since, tt.want))
	}
	s.Restart() // before the first new event
	s.Append(verified("a"), s.Key("a"), time.Time{})
	s.Restart()
	s.Append(verified("b"), s.Key("b"), time.Time{})
	for _, check := range checks {
		check()
	}
}

// follow begins to follow, until the returned function is called, which checks that what
// came is what was wanted.
func follow(t *testing.T, s *sagatest.Server, name string, since time.Time, want []uint64) (check func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, events, done := make(chan uint64, 1), make(chan uint64, 100), make(chan error, 1)
	go func() {
		done <- s.Store().Follow(ctx, saga.Follower{
			Filters: []string{event.SagaEvents("*")}, Since: since, Logger: zerolog.Nop(),
			Ready:  func(stored uint64) { ready <- stored },
			Handle: func(_ context.Context, e saga.Stored) { events <- e.Sequence },
		})
	}()
	receive(t, ready, "the follower")
	return func() {
		var got []uint64
		for range want {
			got = append(got, receive(t, events, "an event"))
		}
		cancel()
		if err := receive(t, done, "the follower's end"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: followed %v, want %v", name, got, want)
		}
	}
}
