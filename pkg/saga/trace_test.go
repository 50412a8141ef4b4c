package saga_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
	"github.com/create-user/create-user/pkg/saga"
	"github.com/create-user/create-user/pkg/saga/sagatest"
)

// traced has every step make spans, which end up in the exporter at once.
func traced() (*tracetest.InMemoryExporter, func(*saga.Config)) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans))
	return spans, func(c *saga.Config) { c.Tracer = provider.Tracer("test") }
}

const (
	parentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentSpan  = "00f067aa0ba902b7"
	traceParent = "00-" + parentTrace + "-" + parentSpan + "-01"
)

// named returns the only span of a name.
func named(t *testing.T, spans tracetest.SpanStubs, name string) tracetest.SpanStub {
	t.Helper()
	var found []tracetest.SpanStub
	for _, s := range spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q among %d, want one", len(found), name, len(spans))
	}
	return found[0]
}

func TestTracing_GoesOnFromTheRequestThroughEveryEvent(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t)
	spans, change := traced()
	stop := runPath(s, func() {}, change)
	s.PublishRaw(encodeRequest(t, "ada"), nats.Header{event.HeaderMsgID: {"saga-1"}, event.HeaderTraceParent: {traceParent}})
	k := event.Key{User: event.UserHash("ada"), Saga: "saga-1"}
	s.Expect(k, event.TypeCompleted)
	stop()
	sent := parentSpan
	consumed := "user.create.requested"
	for _, typ := range path {
		process := named(t, spans.GetSpans(), "process "+consumed)
		if process.Parent.SpanID().String() != sent || process.SpanContext.TraceID().String() != parentTrace || process.SpanKind != trace.SpanKindConsumer {
			t.Errorf("%s is below %s in trace %s, want %s", process.Name, process.Parent.SpanID(), process.SpanContext.TraceID(), sent)
		}
		consumed = "user.create." + string(typ) + ".{user}.{saga}"
		send := named(t, spans.GetSpans(), "send "+consumed)
		if send.Parent.SpanID() != process.SpanContext.SpanID() || send.SpanKind != trace.SpanKindProducer {
			t.Errorf("%s is below %s, want %s", send.Name, send.Parent.SpanID(), process.SpanContext.SpanID())
		}
		sent = send.SpanContext.SpanID().String()
	}
	last := s.History(k)[len(path)-1].Meta
	if want := "00-" + parentTrace + "-" + sent + "-01"; last.TraceParent != want {
		t.Errorf("the last event's trace parent is %s, want %s", last.TraceParent, want)
	}
}

func TestTracing_WithoutATracerTheRequestsTraceIsHandedOn(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepTokenVerifier)
	sagatest.Run(s, verifying(nothing))
	s.PublishRaw(encodeRequest(t, "ada"), nats.Header{event.HeaderMsgID: {"saga-1"}, event.HeaderTraceParent: {traceParent}})
	e := s.Expect(event.Key{User: event.UserHash("ada"), Saga: "saga-1"}, event.TypeTokenVerified)
	if e.Meta.TraceParent != traceParent {
		t.Errorf("the trace parent is %q, want %q", e.Meta.TraceParent, traceParent)
	}
}

func TestTracing_OfABatchLinksItsEvents(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	keys := []event.Key{begin(s, "ada"), begin(s, "bob"), begin(s, "cy")}
	spans, change := traced()
	inBatch := make(chan trace.SpanContext, len(keys))
	step := checking(nil)
	step.Handle = func(ctx context.Context, batch []taken) []saga.Result[event.CodeChecked] {
		inBatch <- trace.SpanContextFromContext(ctx)
		results := make([]saga.Result[event.CodeChecked], len(batch))
		for i, e := range batch {
			results[i].Next = checked(e.Body.ID)
		}
		return results
	}
	stop := sagatest.Run(s, step, one(len(keys)), change)
	expectAll(t, s, keys, event.TypeTokenVerified, event.TypeCodeChecked)
	stop()
	together := named(t, spans.GetSpans(), "handle code-checker")
	if len(together.Links) != len(keys) {
		t.Errorf("the batch's span has %d links, want %d", len(together.Links), len(keys))
	}
	if got := <-inBatch; got.SpanID() != together.SpanContext.SpanID() {
		t.Errorf("the handler runs in span %s, want the batch's", got.SpanID())
	}
	linked := 0
	for _, span := range spans.GetSpans() {
		for _, link := range span.Links {
			if link.SpanContext.SpanID() == together.SpanContext.SpanID() {
				linked++
			}
		}
	}
	if linked != len(keys) {
		t.Errorf("%d events are linked with the batch, want %d", linked, len(keys))
	}
}

func TestTracing_SaysWhatWasDecidedAndQuotesNothing(t *testing.T) {
	t.Parallel()
	s := sagatest.New(t, event.StepCodeChecker)
	spans, change := traced()
	sagas := map[string]error{
		"refused":  saga.Reject(event.CodeIncorrect, errors.New(secretCode)),
		"poisoned": saga.Poison(errors.New(secretCode)),
	}
	stop := sagatest.Run(s, checking(func(ctx context.Context, e taken) error {
		_, span := trace.SpanFromContext(ctx).TracerProvider().Tracer("test").Start(ctx, "work on "+e.Body.ID)
		span.End()
		return sagas[e.Body.ID]
	}), one(1), change)
	for id := range sagas {
		s.Expect(begin(s, id), event.TypeFailed)
	}
	stop()
	all := fmt.Sprintf("%+v", spans.GetSpans().Snapshots())
	var attributes strings.Builder
	for _, span := range spans.GetSpans() {
		fmt.Fprintln(&attributes, span.Name, span.Attributes, span.Status, span.Events)
	}
	for _, want := range []string{"code_incorrect", "dead-letter"} {
		if !strings.Contains(attributes.String(), want) {
			t.Errorf("no span says %q", want)
		}
	}
	if strings.Contains(attributes.String()+all, secretCode) {
		t.Error("a span holds the text of an error")
	}
	work := named(t, spans.GetSpans(), "work on refused")
	for _, span := range spans.GetSpans() {
		if span.SpanContext.SpanID() == work.Parent.SpanID() && !strings.HasPrefix(span.Name, "process ") {
			t.Errorf("the handler's span is below %q", span.Name)
		}
	}
	if !work.Parent.IsValid() {
		t.Error("the handler's span stands alone")
	}
}

func encodeRequest(t *testing.T, id string) []byte {
	t.Helper()
	return []byte(fmt.Sprintf(`{"Id": %q, "Token": "t", "Code": %q, "Phone": %q, "Password": %q, "Username": "Ada"}`,
		id, secretCode, secretPhone, secretPassword))
}

// BenchmarkStepTraced is BenchmarkStep with a tracer that keeps nothing: what
// tracing costs when it is on.
func BenchmarkStepTraced(b *testing.B) {
	provider := sdktrace.NewTracerProvider()
	benchmarkStep(b, quiet, func(c *saga.Config) { c.Tracer = provider.Tracer("bench") })
}
