package service

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/rs/zerolog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// tracerName is the instrumentation scope of the runner's spans.
const tracerName = "github.com/create-user/create-user/pkg/saga"

// closeTime is how long the last spans of a process may take to be sent.
const closeTime = 2 * time.Second

// openTracing returns what sends the spans of a service to an OTLP collector, or
// nil when no collector is named. OpenTelemetry's other variables hold: the
// exporter's (such as OTEL_EXPORTER_OTLP_HEADERS), OTEL_TRACES_SAMPLER and
// OTEL_RESOURCE_ATTRIBUTES.
func openTracing(collector, name string, log zerolog.Logger) (*sdktrace.TracerProvider, error) {
	if collector == "" {
		return nil, nil
	}
	u, err := url.Parse(collector)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("OTEL_EXPORTER_OTLP_ENDPOINT: want http://host:port or https://host:port")
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(u.JoinPath("v1", "traces").String())) // which connects later
	if err != nil {
		return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	from, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.namespace", "create-user"),
		attribute.String("service.name", name),
		attribute.String("service.version", Version()),
	))
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&loggingExporter{SpanExporter: exporter, log: log}),
		sdktrace.WithResource(from),
	), nil
}

// closeTracing sends what is left.
func closeTracing(p *sdktrace.TracerProvider, log zerolog.Logger) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		log.Warn().Err(err).Msg("cannot send the last spans")
	}
}

// loggingExporter logs what goes wrong, which the SDK would print.
type loggingExporter struct {
	sdktrace.SpanExporter
	log zerolog.Logger
}

// ExportSpans implements [sdktrace.SpanExporter]. Spans that cannot be sent are lost.
func (e *loggingExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.log.Warn().Err(err).Int("spans", len(spans)).Msg("cannot send spans")
	}
	return nil
}
