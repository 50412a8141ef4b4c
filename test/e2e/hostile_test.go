package e2e

import (
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/test/e2e/harness"
)

func TestHostile_IdsOfAnyKindAreHandled(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	for _, id := range []string{
		"dots.and.more.dots", "*", ">", "user.create.>", "with spaces", "emoji 🦆", "tab-free\u00a0space", `"quotes" & <tags>`,
		strings.Repeat("x", 100), "{braces}", "Robert'); DROP TABLE Users;--",
	} {
		t.Run(id[:min(len(id), 20)], func(t *testing.T) {
			if ended := s.Outcome(s.Publish(s.ValidRequest(id), "")); ended.Code != event.CodeCreated {
				t.Errorf("ended with %+v", ended)
			}
			if _, found := s.Row(id); !found {
				t.Error("no row")
			}
		})
	}
	for name, id := range map[string]string{
		"101 characters": strings.Repeat("x", 101), "100 kB": strings.Repeat("x", 100_000),
		"a line break": "a\nb", "our own Redis keys": "create-user:claim:{victim}",
	} {
		t.Run(name, func(t *testing.T) {
			if ended := s.Outcome(s.Publish(s.ValidRequest("sane").With("Id", id), "")); ended.Code != event.CodeInvalidRequest {
				t.Errorf("ended with %+v", ended.Code)
			}
		})
	}
}

func TestHostile_WhatCannotBeReadIsDeadLetteredAndTheNextIsHandled(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, nil)
	bodies := []string{
		"", "null", "[]", "7", "{", "not json", `{"Id": 7}`, `{"Id": null}`, `{"Id": ""}`, `{}`, "{\"Id\": \"\xff\"}",
		`{"Id":"a"} trailing`, strings.Repeat("[", 20_000), strings.Repeat("x", 1<<20),
	}
	for _, body := range bodies {
		s.PublishRaw([]byte(body), "")
	}
	if ended := s.Outcome(s.Publish(s.ValidRequest("next"), "")); ended.Code != event.CodeCreated {
		t.Errorf("the next request ended with %+v", ended)
	}
	letters := s.DeadLetters(len(bodies))
	for _, l := range letters {
		if l.Step != event.StepTokenVerifier || l.Reason != event.ReasonPoison || l.User != event.UnknownUser || len(l.Errors) == 0 {
			t.Errorf("dead letter = %+v", l)
		}
	}
}
