package service_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/create-user/create-user/pkg/service"
)

func TestProbes_AnswerBesideEachOther(t *testing.T) {
	t.Parallel()
	p := service.NewProbes()
	p.Health.Add("redis", func(context.Context) error { return errors.New("away") })
	p.Health.Add("nats", func(context.Context) error { return nil })
	for path, want := range map[string][]string{
		"/healthz": {"ok"},
		"/readyz":  {`"redis":"away"`},
		"/metrics": {
			`create_user_dependency_up{dependency="redis"} 0`, `create_user_dependency_up{dependency="nats"} 1`,
			"go_goroutines ", "process_resident_memory_bytes ", "create_user_build_info{",
		},
	} {
		answer := httptest.NewRecorder()
		p.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		for _, text := range want {
			if !strings.Contains(answer.Body.String(), text) {
				t.Errorf("%s: status %d, without %q:\n%s", path, answer.Code, text, answer.Body)
			}
		}
	}
}
