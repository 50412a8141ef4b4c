package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
)

// TestSecrets_StandNowhere runs every ending, with secrets of its own, and then
// looks for them in all that is kept and said.
func TestSecrets_StandNowhere(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t)
	s := harness.Start(t, service.Vars(collector.Vars()).With(service.Vars{"LOG_LEVEL": "trace"}))
	const phone, password = "+49-SECRET-PHONE", "SECRET-PASSWORD"
	var tokens []string
	for i, e := range endings() {
		id := fmt.Sprintf("secretive-%d", i)
		r := e.prepare(s, id)
		for field, secret := range map[string]string{"Phone": phone, "Password": password} {
			if text, ok := r[field].(string); ok && len(text) < 30 && text != harness.FaultyPhone {
				r[field] = secret
			}
		}
		if text, ok := r["Token"].(string); ok && len(text) > 20 {
			tokens = append(tokens, text)
		}
		s.Outcome(s.Publish(r, ""))
	}
	poison := fmt.Sprintf(`{"Id": 7, "Phone": %q, "Password": %q, "Token": %q}`, phone, password, tokens[0])
	s.PublishRaw([]byte(poison), "")
	s.DeadLetters(1)

	for _, p := range s.Procs { // which sends the last spans
		p.Stop(t)
	}
	spans, _ := collector.Received()
	if len(collector.Spans("")) == 0 {
		t.Error("no span was sent")
	}

	for _, secret := range append(tokens, phone, password) {
		for _, stream := range []string{event.StreamEvents, event.StreamDeadLetters} {
			for _, msg := range s.Contents(stream, ">") {
				if strings.Contains(string(msg.Data()), secret) || strings.Contains(fmt.Sprint(msg.Headers()), secret) {
					t.Errorf("stream %s, subject %s: a secret stands there in clear", stream, msg.Subject())
				}
			}
		}
		if strings.Contains(s.Logs.String(), secret) {
			t.Error("a secret stands in the logs")
		}
		if strings.Contains(spans, secret) {
			t.Error("a secret stands in a span")
		}
	}
}
