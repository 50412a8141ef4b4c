package watch

import (
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

func TestWatchdog_ShowsWhatTheOpenSagasWaitFor(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	k := begin(s, "ada", future())
	begin(s, "bob", future())
	s.Append(event.CodeChecked{ID: "ada"}, k, future())
	late := begin(s, "late", past())
	s.Append(event.Encrypted{ID: "late"}, late, past())
	p := start(t, s) // it has read all that is stored
	s.Expect(late, event.TypeFailed)
	p.Await("late saga ended")
	text := p.Metrics()
	for _, line := range []string{
		`create_user_open_sagas{step="code-checker"} 1`,
		`create_user_open_sagas{step="encryptor"} 1`,
		`create_user_open_sagas{step="code-deleter"} 0`,
		`create_user_step_oldest_event_age_seconds{step="code-deleter"} 0`,
		`create_user_sagas_ended_total{code="deadline_exceeded"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if strings.Contains(text, `create_user_step_oldest_event_age_seconds{step="encryptor"} 0`+"\n") {
		t.Error("a saga that waits has waited for no time")
	}
}
