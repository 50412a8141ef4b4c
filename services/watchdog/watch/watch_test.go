package watch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// recorder is a history that keeps what is appended, and answers err.
type recorder struct {
	err   error
	block <-chan struct{} // when set, each append waits for it

	mu      sync.Mutex
	appends []appended // guarded by mu
	now     int        // appends under way; guarded by mu
	most    int        // at once; guarded by mu
}

type appended struct {
	Meta  event.Meta
	Key   event.Key
	Data  string
	After uint64
}

func (r *recorder) Append(ctx context.Context, m event.Meta, k event.Key, data []byte, after uint64) error {
	r.mu.Lock()
	r.appends = append(r.appends, appended{m, k, string(data), after})
	r.now++
	r.most = max(r.most, r.now)
	r.mu.Unlock()
	if r.block != nil {
		select {
		case <-r.block:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now--
	return r.err
}

// watching returns a watchdog of the given events, and its log.
func watching(h history, events ...saga.Stored) (watchdog, *bytes.Buffer) {
	log := &bytes.Buffer{}
	w := watchdog{sagas: &openSagas{open: map[event.Key]*openSaga{}}, history: h, observer: saga.Config{}.Observer(event.StepWatchdog), log: zerolog.New(zerolog.SyncWriter(log))}
	for _, e := range events {
		w.sagas.apply(e)
	}
	return w, log
}

func TestRound_AppendsFailedBehindTheLastEvent(t *testing.T) {
	t.Parallel()
	e := stored("s", event.TypeCodeChecked, 7)
	e.Meta.TraceParent, e.Meta.TraceState = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "a=b"
	r := &recorder{}
	w, log := watching(r, e)
	w.round(t.Context(), noon)
	if len(r.appends) != 1 {
		t.Fatalf("%d appends", len(r.appends))
	}
	got := r.appends[0]
	want := appended{
		Meta: event.Meta{
			ID: "s.failed", Source: "/create-user/watchdog", Type: event.TypeFailed, Time: got.Meta.Time, Saga: "s", Deadline: noon,
			Causation: "s.code-checked", TraceParent: e.Meta.TraceParent, TraceState: "a=b",
		},
		Key: e.Key, After: 7,
		Data: `{"id":"ada","status":false,"code":"deadline_exceeded","message":"Error processing job","step":"watchdog"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("append (-want +got):\n%s", diff)
	}
	for _, field := range []string{`"saga":"s"`, `"event":"code-checked"`, `"code":"deadline_exceeded"`, `"level":"info"`} {
		if !strings.Contains(log.String(), field) {
			t.Errorf("%s is missing in %s", field, log)
		}
	}
}

func TestRound_WhatCannotBeEndedIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err error
		log string
	}{
		"a step was faster":   {fmt.Errorf("append failed: %w", saga.ErrMoved), `"level":"debug"`},
		"the store is away":   {errors.New("no answer"), `"level":"warn"`},
		"the answer is late":  {context.DeadlineExceeded, `"level":"warn"`},
		"the store took it":   {nil, `"level":"info"`},
		"another end is late": {saga.ErrMoved, "moved on"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{err: c.err}
			w, log := watching(r, stored("s", event.TypeTokenVerified, 1))
			w.round(t.Context(), noon)
			w.round(t.Context(), noon) // until its end is seen
			if len(r.appends) != 2 || strings.Count(log.String(), c.log) != 2 {
				t.Errorf("%d appends; logged:\n%s", len(r.appends), log)
			}
			w.sagas.apply(stored("s", event.TypeFailed, 2))
			w.round(t.Context(), noon)
			if len(r.appends) != 2 {
				t.Error("a saga that has ended is ended again")
			}
		})
	}
}

func TestRound_ReportsASagaPastItsPivotOnce(t *testing.T) {
	t.Parallel()
	r := &recorder{}
	w, log := watching(r, stored("s", event.TypeCreated, 4))
	for range 3 {
		w.round(t.Context(), noon)
	}
	if len(r.appends) != 0 {
		t.Error("a saga past its pivot was failed")
	}
	if n := strings.Count(log.String(), `"level":"error","saga":"s","event":"created"`); n != 1 {
		t.Errorf("reported %d times:\n%s", n, log)
	}
}

func TestRound_EndsManyAtOnceButNotAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		r := &recorder{block: block}
		w, _ := watching(r)
		const sagas = 10 * appendsAtOnce
		for i := range sagas {
			w.sagas.apply(stored(fmt.Sprint("s", i), event.TypeTokenVerified, uint64(i+1)))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.round(t.Context(), noon)
		}()
		synctest.Wait()
		if r.most != appendsAtOnce {
			t.Errorf("%d appends at once, want %d", r.most, appendsAtOnce)
		}
		close(block)
		<-done
		if len(r.appends) != sagas {
			t.Errorf("%d appends, want %d", len(r.appends), sagas)
		}
	})
}

func TestRound_IsBoundedWhenNoAnswerComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{block: make(chan struct{})}
		w, _ := watching(r, stored("s", event.TypeTokenVerified, 1))
		begun := time.Now()
		w.round(t.Context(), noon)
		if took := time.Since(begun); took != appendTime {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPatrol_StopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{block: make(chan struct{})}
		w, _ := watching(r)
		for i := range 10 * appendsAtOnce {
			e := stored(fmt.Sprint("s", i), event.TypeTokenVerified, uint64(i+1))
			e.Meta.Deadline = time.Now()
			w.sagas.apply(e)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.patrol(ctx)
		}()
		<-time.After(patrolEvery)
		synctest.Wait()
		begun := time.Now()
		cancel()
		<-done
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %s", took)
		}
		if n := len(r.appends); n > 2*appendsAtOnce {
			t.Errorf("%d appends were begun", n)
		}
	})
}
