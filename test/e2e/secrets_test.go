package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/create-user/create-user/pkg/event"
)

// deadLetters waits for n dead letters and returns them.
func (s *system) deadLetters(n int) []event.DeadLetter {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), sagaTime)
	defer cancel()
	consumer, err := s.js.OrderedConsumer(ctx, event.StreamDeadLetters, jetstream.OrderedConsumerConfig{})
	if err != nil {
		s.t.Fatal(err)
	}
	var letters []event.DeadLetter
	for range n {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err != nil {
			s.t.Fatalf("dead letter %d of %d: %v", len(letters)+1, n, err)
		}
		var l event.DeadLetter
		if err := json.Unmarshal(msg.Data(), &l); err != nil {
			s.t.Fatal(err)
		}
		letters = append(letters, l)
	}
	return letters
}

// TestSecrets_StandNowhere runs every ending, with secrets of its own, and then
// looks for them in all that is kept and said.
func TestSecrets_StandNowhere(t *testing.T) {
	t.Parallel()
	s := startSystem(t, map[string]string{"LOG_LEVEL": "trace"})
	const phone, password = "+49-SECRET-PHONE", "SECRET-PASSWORD"
	var tokens []string
	for i, e := range endings() {
		id := fmt.Sprintf("secretive-%d", i)
		r := e.prepare(s, id)
		for field, secret := range map[string]string{"Phone": phone, "Password": password} {
			if text, ok := r[field].(string); ok && len(text) < 30 && text != faultyPhone {
				r[field] = secret
			}
		}
		if text, ok := r["Token"].(string); ok && len(text) > 20 {
			tokens = append(tokens, text)
		}
		s.outcome(s.publish(r, ""))
	}
	poison := fmt.Sprintf(`{"Id": 7, "Phone": %q, "Password": %q, "Token": %q}`, phone, password, tokens[0])
	s.publishRaw([]byte(poison), "")
	s.deadLetters(1)

	for _, secret := range append(tokens, phone, password) {
		for _, stream := range []string{event.StreamEvents, event.StreamDeadLetters} {
			for _, msg := range s.contents(stream, ">") {
				if strings.Contains(string(msg.Data()), secret) || strings.Contains(fmt.Sprint(msg.Headers()), secret) {
					t.Errorf("stream %s, subject %s: a secret stands there in clear", stream, msg.Subject())
				}
			}
		}
		if strings.Contains(s.logs.String(), secret) {
			t.Error("a secret stands in the logs")
		}
	}
}
