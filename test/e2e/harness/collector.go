package harness

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Collector is an OpenTelemetry collector that keeps what it gets by OTLP over HTTP.
// It is safe for concurrent use.
type Collector struct {
	URL string

	mu       sync.Mutex
	spans    []Span // guarded by mu
	received []byte // guarded by mu; every body, one after the other
	refused  int    // guarded by mu; bodies that could not be read
}

// Span is a span as it was received.
type Span struct {
	*tracepb.Span
	Service string
	Attr    map[string]string
}

// ID returns the span's id in hex.
func (s Span) ID() string { return hex.EncodeToString(s.SpanId) }

// Parent returns the id of the span's parent in hex.
func (s Span) Parent() string { return hex.EncodeToString(s.ParentSpanId) }

// Trace returns the id of the span's trace in hex.
func (s Span) Trace() string { return hex.EncodeToString(s.TraceId) }

// StartCollector starts a collector, and stops it at the end of the test.
func StartCollector(t testing.TB) *Collector {
	t.Helper()
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

// Vars returns the variables that have a service send its spans here, soon.
func (c *Collector) Vars() map[string]string {
	return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_BSP_SCHEDULE_DELAY": "50"}
}

func (c *Collector) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.refused++
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.received = append(c.received, body...)
	for _, resource := range request.ResourceSpans {
		service := attributes(resource.Resource.Attributes)["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans = append(c.spans, Span{Span: span, Service: service, Attr: attributes(span.Attributes)})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf") // an empty response is an empty body
}

// Await waits until the spans of a trace hold what done asks for, and returns them.
func (c *Collector) Await(t testing.TB, trace string, done func([]Span) bool) []Span {
	t.Helper()
	deadline := time.After(SagaTime)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		spans := c.Spans(trace)
		if done(spans) {
			return spans
		}
		select {
		case <-tick.C:
		case <-deadline:
			var names []string
			for _, s := range spans {
				names = append(names, s.Service+": "+s.Name)
			}
			t.Fatalf("the trace lacks spans; it has:\n%s", strings.Join(names, "\n"))
		}
	}
}

// Spans returns the spans of a trace so far; of every trace when that is empty.
func (c *Collector) Spans(trace string) []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Span
	for _, s := range c.spans {
		if trace == "" || s.Trace() == trace {
			list = append(list, s)
		}
	}
	return list
}

// Received returns all that was received, as it was sent, and how many messages
// could not be read.
func (c *Collector) Received() (text string, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return string(c.received), c.refused
}

// attributes returns the attributes of a span or a resource as text.
func attributes(list []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			all[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			all[a.Key] = strconv.FormatInt(v.IntValue, 10)
		}
	}
	return all
}
