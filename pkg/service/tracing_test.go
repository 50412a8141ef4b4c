package service_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/create-user/create-user/pkg/service"
)

func open(t *testing.T, collector string, log *strings.Builder) (*service.Env, func(), error) {
	t.Helper()
	return service.Open("fake", service.DevSecrets().With(service.Vars{
		"CREATE_USER_MODE": "development", "NATS_URL": "nats://127.0.0.1:1", "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
	}), log, service.NewProbes())
}

func TestTracing_IsOffUnlessACollectorIsNamed(t *testing.T) {
	t.Parallel()
	env, closeEnv, err := open(t, "", new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	defer closeEnv()
	if env.Tracing != nil || env.Saga.Tracer != nil {
		t.Error("it traces")
	}
}

func TestTracing_RefusesACollectorThatIsNoURL(t *testing.T) {
	t.Parallel()
	for _, collector := range []string{"collector:4318", "/nowhere", "grpc://collector:4317"} {
		_, _, err := open(t, collector, new(strings.Builder))
		if err == nil || !strings.HasPrefix(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT: want http://") {
			t.Errorf("%s: the error is %v", collector, err)
		}
	}
}

func TestTracing_SendsTheLastSpansAtTheEndAndLogsWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	for status, logged := range map[int]bool{http.StatusOK: false, http.StatusBadRequest: true} {
		var mu sync.Mutex
		var paths []string // guarded by mu
		collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			paths = append(paths, r.URL.Path)
			w.WriteHeader(status)
		}))
		var log strings.Builder
		env, closeEnv, err := open(t, collector.URL, &log)
		if err != nil {
			t.Fatal(err)
		}
		_, span := env.Saga.Tracer.Start(t.Context(), "work")
		span.End()
		closeEnv()
		collector.Close()
		if len(paths) != 1 || paths[0] != "/v1/traces" {
			t.Errorf("status %d: sent to %q", status, paths)
		}
		if strings.Contains(log.String(), "cannot send spans") != logged {
			t.Errorf("status %d: logged:\n%s", status, log.String())
		}
	}
}
