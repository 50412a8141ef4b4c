package soap

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the instrumentation scope of the spans of calls.
const tracerName = "github.com/create-user/create-user/services/encryptor/soap"

// traced returns a transport that makes a span of each exchange. The spans hold no
// text of an error: those of net/http quote what they could not parse.
func traced(next http.RoundTripper, p trace.TracerProvider) http.RoundTripper {
	if p == nil {
		return next
	}
	return tracedTransport{next: next, tracer: p.Tracer(tracerName)}
}

type tracedTransport struct {
	next   http.RoundTripper
	tracer trace.Tracer
}

// RoundTrip implements [http.RoundTripper].
func (t tracedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(req.Context(), req.Method, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("http.request.method", req.Method),
		attribute.String("server.address", req.URL.Hostname()),
		attribute.String("url.path", req.URL.Path),
	))
	defer span.End()
	req = req.Clone(ctx) // a transport must not change the caller's
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(req.Header))
	res, err := t.next.RoundTrip(req)
	switch {
	case err != nil:
		span.SetStatus(codes.Error, "")
		span.SetAttributes(attribute.String("error.type", "transport"))
	default:
		span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
		if res.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
	}
	return res, err
}
