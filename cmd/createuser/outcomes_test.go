package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
)

// ended is the terminal event of a saga.
func ended(t testing.TB, sagaID string, code event.Code) saga.Stored {
	t.Helper()
	data, err := json.Marshal(event.NewEnded("ada", event.StepEncryptor, code))
	if err != nil {
		t.Fatal(err)
	}
	return saga.Stored{Key: key("ada", sagaID), Data: data}
}

func TestOutcomes_Bookkeeping(t *testing.T) {
	t.Parallel()
	created := func(o *outcomes, sagaID string) { o.take(ended(t, sagaID, event.CodeCreated)) }
	for name, c := range map[string]struct {
		do          func(*outcomes)
		open, total int
		created     int
	}{
		"nothing is waited for":                        {func(*outcomes) {}, 0, 0, 0},
		"a saga is waited for":                         {func(o *outcomes) { o.expect("a") }, 1, 1, 0},
		"until it ends":                                {func(o *outcomes) { o.expect("a"); created(o, "a") }, 0, 1, 1},
		"an end may come before it is waited for":      {func(o *outcomes) { created(o, "a"); o.expect("a") }, 0, 1, 1},
		"another's end is nothing":                     {func(o *outcomes) { o.expect("a"); created(o, "b") }, 1, 1, 0},
		"an end that is heard twice counts once":       {func(o *outcomes) { o.expect("a"); created(o, "a"); created(o, "a") }, 0, 1, 1},
		"a key that is submitted twice is one":         {func(o *outcomes) { o.expect("a"); o.expect("a"); created(o, "a") }, 0, 1, 1},
		"also when it ended in between":                {func(o *outcomes) { o.expect("a"); created(o, "a"); o.expect("a") }, 0, 1, 1},
		"and when its end came early":                  {func(o *outcomes) { created(o, "a"); o.expect("a"); o.expect("a") }, 0, 1, 1},
		"one that had ended is settled":                {func(o *outcomes) { o.expect("a"); o.settle("a", event.CodeCreated) }, 0, 1, 1},
		"one that was heard is not settled again":      {func(o *outcomes) { o.expect("a"); created(o, "a"); o.settle("a", event.CodeCreated) }, 0, 1, 1},
		"one that nobody waits for is not settled":     {func(o *outcomes) { o.settle("a", event.CodeCreated) }, 0, 0, 0},
		"what is no outcome is passed over":            {func(o *outcomes) { o.expect("a"); o.take(saga.Stored{Key: key("ada", "a"), Data: []byte("[]")}) }, 1, 1, 0},
		"one of several that are waited for has ended": {func(o *outcomes) { o.expect("a"); o.expect("b"); created(o, "b") }, 1, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutcomes()
			c.do(o)
			open, total := o.counts()
			if open != c.open || total != c.total || o.ended[event.CodeCreated] != c.created {
				t.Errorf("%d of %d open, %d created; want %d of %d, %d", open, total, o.ended[event.CodeCreated], c.open, c.total, c.created)
			}
		})
	}
}

func TestOutcomes_WaitUntilAllHaveEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, tl := newOutcomes(), &tool{out: newOutput(), err: newOutput()}
		const sagas = 500
		for i := range sagas / 2 {
			o.expect(fmt.Sprint(i))
		}
		var running sync.WaitGroup
		running.Go(func() {
			for i := range sagas {
				o.take(ended(t, fmt.Sprint(i), event.CodeCreated))
			}
		})
		for i := range sagas {
			o.expect(fmt.Sprint(i))
		}
		if missing := o.wait(t.Context(), tl); missing != 0 {
			t.Errorf("%d are missing", missing)
		}
		running.Wait()
		if n := o.ended[event.CodeCreated]; n != sagas {
			t.Errorf("%d created", n)
		}
		o.expect("never")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan int, 1)
		go func() { done <- o.wait(ctx, tl) }()
		synctest.Wait()
		cancel()
		if missing := <-done; missing != 1 {
			t.Errorf("%d are missing, want 1", missing)
		}
	})
}

func TestOutcomes_ArePrintedInTheOrderOfTheContract(t *testing.T) {
	t.Parallel()
	o, out := newOutcomes(), newOutput()
	for i, code := range []event.Code{event.CodeUserExists, event.CodeCreated, event.CodeUserExists} {
		o.expect(fmt.Sprint(i))
		o.take(ended(t, fmt.Sprint(i), code))
	}
	for i := range maxShown + 2 {
		o.expect(fmt.Sprintf("open-%02d", i))
	}
	if err := o.print(&tool{out: out}); err != nil {
		t.Fatal(err)
	}
	want := "       1  created            User created successfully\n       2  user_exists        User already exists\n"
	for i := range maxShown {
		want += fmt.Sprintf("no outcome  saga open-%02d\n", i)
	}
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
