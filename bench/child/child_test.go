package child

import (
	"context"
	"strings"
	"testing"
	"time"
)

// echo starts a program that says what it is told.
func echo(t *testing.T) *Child {
	t.Helper()
	c, err := Start("echo", t.TempDir(), nil, "/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAsk_HearsTheAnswer(t *testing.T) {
	c := echo(t)
	for _, want := range []string{"one", "", strings.Repeat("x", 1<<20)} {
		var got string
		if err := c.Ask(t.Context(), want, &got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("heard %d bytes, told %d", len(got), len(want))
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestHear_EndsWithItsContextAndWithTheChild(t *testing.T) {
	c := echo(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	var got string
	if err := c.Hear(ctx, &got); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("nothing was said, and the error is %v", err)
	}
	if err := c.input.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Hear(t.Context(), &got); err == nil || !strings.Contains(err.Error(), "ended") {
		t.Errorf("the child has ended, and the error is %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func TestClose_SaysHowAChildFailed(t *testing.T) {
	c, err := Start("failing", t.TempDir(), nil, "/bin/sh", "-c", "cat >/dev/null; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Tell("something"); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("the error is %v", err)
	}
}

func TestClose_DoesNotWaitForWhatNobodyHears(t *testing.T) {
	c := echo(t)
	for range 100 {
		if err := c.Tell(strings.Repeat("x", 100)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
