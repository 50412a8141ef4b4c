package e2e

import (
	"encoding/base64"
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

	for _, secret := range inAnyForm(append(tokens, phone, password)) {
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

// inAnyForm returns the secrets, and what base64 makes of each at any place in a
// text, as bytes stand in JSON.
func inAnyForm(secrets []string) []string {
	var forms []string
	for _, secret := range secrets {
		forms = append(forms, secret)
		for before := range 3 {
			encoded := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
			// Without the characters at the edges that hold bits of what stands beside it.
			forms = append(forms, encoded[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	return forms
}

func TestSecrets_AreFoundInBase64(t *testing.T) {
	t.Parallel()
	for before := range 4 {
		for after := range 4 {
			text := base64.StdEncoding.EncodeToString([]byte("xxxx"[:before] + "SECRET-PASSWORD" + "yyyy"[:after]))
			found := 0
			for _, form := range inAnyForm([]string{"SECRET-PASSWORD"}) {
				if strings.Contains(text, form) {
					found++
				}
			}
			if found != 1 {
				t.Errorf("found %d times between %d and %d bytes", found, before, after)
			}
		}
	}
}
