package saga

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/create-user/create-user/pkg/event"
)

// A saga is one trace. The span of each append is the parent of the span that
// processes what was appended, through the event's W3C headers; what a handler
// calls lies below the span of its event.
//
// A batch of several events is handled at once: the span of that call lies below
// the span of the first event, and is linked with those of all.
//
// No span holds a value of an event, nor the text of an error, in which one might
// stand: only ids, types and kinds.

// Attributes that every span of this package has, by OpenTelemetry's conventions
// for messaging.
const (
	attrSystem       = attribute.Key("messaging.system")
	attrOperation    = attribute.Key("messaging.operation.name")
	attrKind         = attribute.Key("messaging.operation.type")
	attrDestination  = attribute.Key("messaging.destination.template")
	attrGroup        = attribute.Key("messaging.consumer.group.name")
	attrMessage      = attribute.Key("messaging.message.id")
	attrConversation = attribute.Key("messaging.message.conversation_id")
	attrBatch        = attribute.Key("messaging.batch.message_count")
	attrDelivery     = attribute.Key("create_user.delivery")
	attrCode         = attribute.Key("create_user.outcome.code")
	attrError        = attribute.Key("error.type")
)

// destination returns the template of the subjects of a type. The subjects
// themselves are as many as the sagas.
func destination(t event.Type) string {
	if t == event.TypeRequested {
		return event.SubjectRequested
	}
	return event.Key{User: "{user}", Saga: "{saga}"}.Subject(t)
}

// StartSend starts the span of the publication of an event, below the span in ctx
// or, without one there, in the trace that m belongs to. It returns m with the
// span's context, which is for whoever processes the event. Without a tracer there
// is no span, and m is as it was.
func StartSend(ctx context.Context, tracer trace.Tracer, m event.Meta) (event.Meta, trace.Span) {
	if tracer == nil {
		return m, nil
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = remote(ctx, m)
	}
	what := destination(m.Type)
	ctx, span := tracer.Start(ctx, "send "+what, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attrSystem.String("nats"), attrOperation.String("send"), attrKind.String("send"),
		attrDestination.String(what), attrMessage.String(m.ID), attrConversation.String(m.Saga),
	))
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	m.TraceParent, m.TraceState = carrier[event.HeaderTraceParent], carrier[event.HeaderTraceState]
	return m, span
}

// EndSend ends a span that StartSend returned.
func EndSend(span trace.Span, err error) {
	if span == nil {
		return
	}
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attrError.String("append"))
	}
	span.End()
}

// remote returns ctx with the span that m names as its parent.
func remote(ctx context.Context, m event.Meta) context.Context {
	return propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		event.HeaderTraceParent: m.TraceParent, event.HeaderTraceState: m.TraceState,
	})
}

// StartProcess starts the span of what a step does with an event, below the span
// of its publication.
func StartProcess(ctx context.Context, tracer trace.Tracer, step string, t event.Type, saga string, m event.Meta) (context.Context, trace.Span) {
	what := destination(t)
	return tracer.Start(remote(ctx, m), "process "+what, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attrSystem.String("nats"), attrOperation.String("process"), attrKind.String("process"),
		attrDestination.String(what), attrGroup.String(step), attrMessage.String(m.ID), attrConversation.String(saga),
	))
}

// startSpans starts the spans of a batch that is about to be handled, and returns
// the context to handle it in. endSpans ends them.
func (r *runner[In, Out]) startSpans(ctx context.Context, batch []*message[In]) (context.Context, trace.Span) {
	if r.cfg.Tracer == nil {
		return ctx, nil
	}
	for _, m := range batch {
		_, m.span = StartProcess(ctx, r.cfg.Tracer, r.step.Name, m.kind, m.Saga, m.Meta)
		m.span.SetAttributes(attrDelivery.Int(m.Delivery))
	}
	ctx = trace.ContextWithSpan(ctx, batch[0].span)
	if len(batch) == 1 {
		return ctx, nil
	}
	links := make([]trace.Link, len(batch))
	for i, m := range batch {
		links[i].SpanContext = m.span.SpanContext()
	}
	ctx, together := r.cfg.Tracer.Start(ctx, "handle "+r.step.Name, trace.WithLinks(links...), trace.WithAttributes(
		attrSystem.String("nats"), attrBatch.Int(len(batch)), attrGroup.String(r.step.Name),
	))
	for _, m := range batch {
		m.span.AddLink(trace.Link{SpanContext: together.SpanContext()})
	}
	return ctx, together
}

// endSpans ends the spans of a batch.
func endSpans[In event.Body](batch []*message[In], together trace.Span) {
	if together != nil {
		together.End()
	}
	for _, m := range batch {
		if m.span != nil {
			m.span.End()
			m.span = nil
		}
	}
}

// traceDecision notes in an event's span what was decided about it.
func traceDecision[In event.Body](m *message[In], d decision) {
	if m.span == nil || d.verdict == appendNext {
		return
	}
	if d.code != "" {
		m.span.SetAttributes(attrCode.String(string(d.code)))
	}
	if d.verdict != appendFailed {
		m.span.SetStatus(codes.Error, "")
		m.span.SetAttributes(attrError.String(d.verdict.String()))
	}
}

// inSpan returns ctx with the event's span, for a handler of one event.
func (e Event[B]) inSpan(ctx context.Context) context.Context {
	if e.span == nil {
		return ctx
	}
	return trace.ContextWithSpan(ctx, e.span)
}
