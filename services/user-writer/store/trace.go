package store

import (
	"context"
	"database/sql"
	"database/sql/driver"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// openDB opens a database, with a span for each statement when p is there. The
// spans hold no statement, no value and no text of an error, which may quote one.
func openDB(c driver.Connector, system string, p trace.TracerProvider) *sql.DB {
	if p == nil {
		return sql.OpenDB(c)
	}
	return otelsql.OpenDB(c, traceOptions(system, p)...)
}

func traceOptions(system string, p trace.TracerProvider) []otelsql.Option {
	return []otelsql.Option{
		otelsql.WithTracerProvider(p),
		otelsql.WithAttributes(attribute.String("db.system.name", system)),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableQuery: true, OmitConnResetSession: true, OmitConnectorConnect: true, OmitRows: true, OmitConnPrepare: true,
			RecordError: func(error) bool { return false },
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanContextFromContext(ctx).IsValid() // a health check, for one, has none
			},
		}),
		otelsql.WithSpanErrorAttributesGetter(func(error) []attribute.KeyValue {
			return []attribute.KeyValue{attribute.String("error.type", "sql")}
		}),
	}
}
