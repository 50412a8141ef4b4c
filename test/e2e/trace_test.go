package e2e

import (
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/create-user/create-user/pkg/client"
	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/service"
	"github.com/create-user/create-user/test/e2e/harness"
)

// steps are what happens to a registration, in order: which service processes
// which event, and what it calls for it.
var steps = []struct {
	service, consumed string
	calls             []string // names of spans below, or what they begin with
}{
	{"token-verifier", "user.create.requested", nil},
	{"code-checker", "user.create.token-verified.{user}.{saga}", []string{"PIPELINE"}},
	{"encryptor", "user.create.code-checked.{user}.{saga}", []string{"POST"}},
	{"user-writer", "user.create.encrypted.{user}.{saga}", []string{"sql."}},
	{"code-checker", "user.create.created.{user}.{saga}", []string{"PIPELINE"}},
	{"notifier", "user.create.completed.{user}.{saga}", nil},
}

func TestTracing_ARegistrationIsOneTraceThroughAllServices(t *testing.T) {
	t.Parallel()
	collector := harness.StartCollector(t)
	s := harness.Start(t, collector.Vars())
	key, err := event.ParsePublicKey(service.DevSealPublicKey)
	if err != nil {
		t.Fatal(err)
	}
	own := tracetest.NewInMemoryExporter()
	publisher := sdktrace.NewTracerProvider(sdktrace.WithSyncer(own))
	users := client.New(s.JS, key, "/test", client.WithTracing(publisher))

	s.StoreCode("ada", "739154")
	const phone, password = "+49-SECRET-PHONE", "SECRET-PASSWORD"
	token := s.Token("ada")
	sagaID, err := users.Request(t.Context(), client.Registration{
		ID: "ada", Token: token, Code: "739154", Phone: phone, Password: password, Username: "Ada", Image: harness.Pixel,
	})
	if err != nil {
		t.Fatal(err)
	}
	first := own.GetSpans()[0]
	if first.Name != "send user.create.requested" || first.Parent.IsValid() {
		t.Fatalf("the publisher's span is %q, below %s", first.Name, first.Parent.SpanID())
	}
	// Each service sends its spans by itself, a step's own after those below it.
	spans := collector.Await(t, first.SpanContext.TraceID().String(), func(spans []harness.Span) bool {
		for _, step := range steps {
			if !slices.ContainsFunc(spans, func(s harness.Span) bool { return s.Service == step.service && s.Name == "process "+step.consumed }) {
				return false
			}
		}
		return true
	})
	sent := first.SpanContext.SpanID().String()
	for _, step := range steps {
		process := find(t, spans, step.service, "process "+step.consumed)
		if process.Parent() != sent {
			t.Errorf("%s of %s is below %s, want what sent the event: %s", process.Name, step.service, process.Parent(), sent)
		}
		for name, want := range map[string]string{
			"messaging.system": "nats", "messaging.operation.type": "process", "messaging.destination.template": step.consumed,
			"messaging.message.conversation_id": sagaID,
		} {
			if process.Attr[name] != want {
				t.Errorf("%s of %s: %s is %q, want %q", process.Name, step.service, name, process.Attr[name], want)
			}
		}
		for _, call := range step.calls {
			if !slices.ContainsFunc(spans, func(s harness.Span) bool { return strings.HasPrefix(s.Name, call) && s.Parent() == process.ID() }) {
				t.Errorf("%s of %s has no span %q below", process.Name, step.service, call)
			}
		}
		if step.service != "notifier" {
			i := slices.IndexFunc(spans, func(s harness.Span) bool { return strings.HasPrefix(s.Name, "send ") && s.Parent() == process.ID() })
			if i < 0 {
				t.Fatalf("%s of %s has sent nothing", process.Name, step.service)
			}
			sent = spans[i].ID()
		}
	}
	received, refused := collector.Received()
	if refused > 0 {
		t.Errorf("%d messages to the collector could not be read", refused)
	}
	for _, secret := range []string{phone, password, token, "739154", harness.Pixel} {
		if strings.Contains(received, secret) {
			t.Error("a secret stands in a span")
		}
	}
}

// find returns the only span of a name and service.
func find(t *testing.T, spans []harness.Span, service, name string) harness.Span {
	t.Helper()
	var found []harness.Span
	for _, s := range spans {
		if s.Service == service && s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q of %s, want one", len(found), name, service)
	}
	return found[0]
}
