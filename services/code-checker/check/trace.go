package check

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// tracerName is the instrumentation scope of the spans of Redis.
const tracerName = "github.com/create-user/create-user/services/code-checker"

// spans makes a span of each command and pipeline, below the one in its context;
// without one there, as for a health check, it makes none. They hold no
// argument, for the code is one, and no text of an error, which may quote one.
type spans struct{ tracer trace.Tracer }

var _ redis.Hook = spans{}

// DialHook implements [redis.Hook].
func (spans) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook implements [redis.Hook].
func (s spans) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		return s.in(ctx, strings.ToUpper(cmd.Name()), 1, func(ctx context.Context) error { return next(ctx, cmd) })
	}
}

// ProcessPipelineHook implements [redis.Hook].
func (s spans) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return s.in(ctx, "PIPELINE", len(cmds), func(ctx context.Context) error { return next(ctx, cmds) })
	}
}

func (s spans) in(ctx context.Context, operation string, commands int, call func(context.Context) error) error {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return call(ctx)
	}
	ctx, span := s.tracer.Start(ctx, operation, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "redis"), attribute.String("db.operation.name", operation),
		attribute.Int("db.operation.batch.size", commands),
	))
	defer span.End()
	err := call(ctx)
	if err != nil {
		span.SetStatus(codes.Error, "")
	}
	return err
}
