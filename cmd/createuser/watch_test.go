package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// success matches the lines of a registration that succeeded, once.
var success = regexp.MustCompile(`(?s)^waiting for events of "[^"]*"; Ctrl-C ends
saga (\S+)
  \S+      \+0\.0 ms  token-verified
  \S+ +\+\d+\.\d ms  code-checked
  \S+ +\+\d+\.\d ms  encrypted
  \S+ +\+\d+\.\d ms  created
  \S+ +\+\d+\.\d ms  completed       created by code-deleter: User created successfully
$`)

func TestWatch_AnIdOrASagaThatHasEnded(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	register(s, "ada", key("ada", "signup-1"))
	register(s, "bob", key("bob", "bob")) // its Id is its saga too: followed twice, printed once
	for _, of := range []string{"ada", "signup-1", "bob"} {
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			r := command(t, at(s), "watch", of)
			r.succeeds(t)
			if !success.MatchString(r.out) {
				t.Errorf("printed:\n%s", r.out)
			}
		})
	}
}

func TestWatch_PrintsEventsAsTheyCome(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	b := start(t, at(s), nil, "watch", "ada")
	b.out.await(t, `waiting for events of "ada"`)
	k := key("ada", "signup-1")
	s.Append(event.TokenVerified{ID: "ada"}, k, time.Time{})
	b.out.await(t, "token-verified")
	failed := event.NewEnded("ada", event.StepCodeChecker, event.CodeDuplicateRequest)
	failed.Of = "signup-0"
	s.Append(failed, k, time.Time{})
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d: %s", code, b.err)
	}
	if !strings.HasSuffix(b.out.String(), "failed          duplicate_request by code-checker: Error processing job (not sent: the room hears saga signup-0)\n") {
		t.Errorf("printed:\n%s", b.out)
	}
}

func TestWatch_AllSagasOfAnIdWithoutEnd(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	b := start(t, at(s), nil, "watch", "an Id > with * spaces", "--follow")
	b.out.await(t, `waiting for events of "an Id > with * spaces"`)
	for _, sagaID := range []string{"one", "two"} {
		register(s, "an Id > with * spaces", key("an Id > with * spaces", sagaID))
		b.out.await(t, "saga "+sagaID+"\n")
	}
	for strings.Count(b.out.String(), "completed") < 2 {
		b.out.await(t, "completed")
		<-b.out.more
	}
	b.stop()
	if code := b.wait(t); code != 0 {
		t.Errorf("exit code %d: %s", code, b.err)
	}
}

func TestWatch_AnOutcomeThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepNotifier)
	s.AppendRaw(event.TypeFailed, []byte(`["sesame"]`), key("ada", "strange"), time.Time{})
	r := command(t, at(s), "watch", "strange")
	r.fails(t, 1, "decode failed")
	if strings.Contains(r.err+r.out, "sesame") {
		t.Errorf("a value is shown: %s%s", r.out, r.err)
	}
}
