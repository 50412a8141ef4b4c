package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/event"
)

func (r request) json(t testing.TB) []byte {
	t.Helper()
	body, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestHostile_IdsOfAnyKindAreHandled(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	for _, id := range []string{
		"dots.and.more.dots", "*", ">", "user.create.>", "with spaces", "emoji 🦆", "tab-free\u00a0space", `"quotes" & <tags>`,
		strings.Repeat("x", 100), "{braces}", "Robert'); DROP TABLE Users;--",
	} {
		t.Run(id[:min(len(id), 20)], func(t *testing.T) {
			if ended := s.outcome(s.publish(s.validRequest(id), "")); ended.Code != event.CodeCreated {
				t.Errorf("ended with %+v", ended)
			}
			if _, found := s.row(id); !found {
				t.Error("no row")
			}
		})
	}
	for name, id := range map[string]string{
		"101 characters": strings.Repeat("x", 101), "100 kB": strings.Repeat("x", 100_000),
		"a line break": "a\nb", "our own Redis keys": "create-user:claim:{victim}",
	} {
		t.Run(name, func(t *testing.T) {
			if ended := s.outcome(s.publish(s.validRequest("sane").with("Id", id), "")); ended.Code != event.CodeInvalidRequest {
				t.Errorf("ended with %+v", ended.Code)
			}
		})
	}
}

func TestHostile_WhatCannotBeReadIsDeadLetteredAndTheNextIsHandled(t *testing.T) {
	t.Parallel()
	s := startSystem(t, nil)
	bodies := []string{
		"", "null", "[]", "7", "{", "not json", `{"Id": 7}`, `{"Id": null}`, `{"Id": ""}`, `{}`, "{\"Id\": \"\xff\"}",
		`{"Id":"a"} trailing`, strings.Repeat("[", 20_000), strings.Repeat("x", 1<<20),
	}
	for _, body := range bodies {
		s.publishRaw([]byte(body), "")
	}
	if ended := s.outcome(s.publish(s.validRequest("next"), "")); ended.Code != event.CodeCreated {
		t.Errorf("the next request ended with %+v", ended)
	}
	letters := s.deadLetters(len(bodies))
	for _, l := range letters {
		if l.Step != event.StepTokenVerifier || l.Reason != event.ReasonPoison || l.User != event.UnknownUser || len(l.Errors) == 0 {
			t.Errorf("dead letter = %+v", l)
		}
	}
}
