package streams_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// plain returns v as a JSON decoder would have made it.
func plain(t testing.TB, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func asyncAPI(t testing.TB) map[string]any {
	t.Helper()
	data, err := os.ReadFile("asyncapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatalf("asyncapi.yaml: %v", err)
	}
	return plain(t, doc).(map[string]any)
}

// at returns what stands at a path in the document, nil when nothing does.
func at(doc any, path ...string) any {
	for _, key := range path {
		object, _ := doc.(map[string]any)
		doc = object[key]
	}
	return doc
}

// refs calls do with every $ref below node.
func refs(node any, do func(ref string)) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if ref, ok := value.(string); ok && key == "$ref" {
				do(ref)
			}
			refs(value, do)
		}
	case []any:
		for _, value := range n {
			refs(value, do)
		}
	}
}

func TestAsyncAPI_EveryReferenceResolves(t *testing.T) {
	t.Parallel()
	doc, schemas := asyncAPI(t), compiled(t)
	count := 0
	refs(doc, func(ref string) {
		count++
		if path, ok := strings.CutPrefix(ref, "#/"); ok {
			if at(doc, strings.Split(path, "/")...) == nil {
				t.Errorf("%s stands for nothing", ref)
			}
			return
		}
		name, ok := strings.CutPrefix(ref, "schemas/")
		if !ok || schemas[strings.TrimSuffix(name, ".json")] == nil {
			t.Errorf("%s stands for no schema", ref)
		}
	})
	if count == 0 {
		t.Error("there is no reference at all")
	}
}

// channel is one channel of the document.
type channel struct{ Subject, Stream, Message string }

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

// channels returns the channels by name, their parameters as wildcards.
func channels(t testing.TB, doc map[string]any) map[string]channel {
	t.Helper()
	all := make(map[string]channel)
	for name, c := range at(doc, "channels").(map[string]any) {
		messages := at(c, "messages").(map[string]any)
		if len(messages) != 1 {
			t.Fatalf("channel %s has %d messages, want one", name, len(messages))
		}
		address := at(c, "address").(string)
		for _, p := range parameter.FindAllString(address, -1) {
			if at(c, "parameters", strings.Trim(p, "{}")) == nil {
				t.Errorf("channel %s does not explain %s", name, p)
			}
		}
		for message := range messages {
			all[name] = channel{
				Subject: parameter.ReplaceAllString(address, "*"),
				Stream:  at(c, "x-stream").(string),
				Message: message,
			}
		}
	}
	return all
}

func TestAsyncAPI_ChannelsAgreeWithTheStreams(t *testing.T) {
	t.Parallel()
	doc, d := asyncAPI(t), load(t)
	var subjects []string
	for name, c := range channels(t, doc) {
		stream, ok := d.Stream(c.Stream)
		if !ok || !server.SubjectMatchesFilter(c.Subject, stream.Config.Subjects[0]) {
			t.Errorf("channel %s: stream %s does not store %s", name, c.Stream, c.Subject)
		}
		subjects = append(subjects, c.Subject)
	}
	slices.Sort(subjects)
	want := []string{
		"dlq.user.create.*.*.*",
		"user.create.code-checked.*.*", "user.create.completed.*.*", "user.create.created.*.*",
		"user.create.encrypted.*.*", "user.create.failed.*.*", "user.create.requested", "user.create.token-verified.*.*",
	}
	if diff := cmp.Diff(want, subjects); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}

func TestAsyncAPI_MessagesNameTheirTypeAndSchema(t *testing.T) {
	t.Parallel()
	doc := asyncAPI(t)
	for name, c := range channels(t, doc) {
		event, ok := strings.CutPrefix(c.Subject, "user.create.")
		if !ok {
			continue // a dead letter is no event
		}
		event = strings.TrimSuffix(event, ".*.*")
		ceType := "user.create." + event + ".v1"
		message := at(doc, "components", "messages", c.Message)
		if got := at(message, "name"); got != ceType {
			t.Errorf("channel %s: message %v, want %s", name, got, ceType)
		}
		if got := at(message, "payload", "$ref"); got != "schemas/"+event+".json" {
			t.Errorf("channel %s: payload %v, want the schema of %s", name, got, event)
		}
		headers, err := json.Marshal(message)
		if err != nil {
			t.Fatal(err)
		}
		if event != "requested" && !strings.Contains(string(headers), `"ce-type":{"const":"`+ceType+`"}`) {
			t.Errorf("channel %s: the headers do not fix ce-type to %s", name, ceType)
		}
	}
}

func TestAsyncAPI_OperationsAgreeWithTheConsumers(t *testing.T) {
	t.Parallel()
	doc, d := asyncAPI(t), load(t)
	all := channels(t, doc)
	got := make(map[string][]channel)
	for name, operation := range at(doc, "operations").(map[string]any) {
		ref, _ := at(operation, "channel", "$ref").(string)
		c, ok := all[strings.TrimPrefix(ref, "#/channels/")]
		if !ok {
			t.Errorf("operation %s has no channel", name)
		}
		parts := strings.SplitN(name, ".", 3)
		if len(parts) != 3 || parts[1] != at(operation, "action") {
			t.Errorf("operation %s: want <service>.<action>.<event>", name)
		}
		if durable, ok := at(operation, "x-consumer").(string); ok {
			got[durable] = append(got[durable], channel{Subject: c.Subject, Stream: c.Stream})
		}
	}
	want := make(map[string][]channel)
	for _, c := range d.Consumers {
		for _, filter := range filtersOf(c) {
			want[c.Config.Durable] = append(want[c.Config.Durable], channel{Subject: filter, Stream: c.Stream})
		}
	}
	inOrder := cmpopts.SortSlices(func(a, b channel) bool { return a.Subject < b.Subject })
	if diff := cmp.Diff(want, got, inOrder); diff != "" {
		t.Errorf("consumers (-declared +asyncapi):\n%s", diff)
	}
}

func TestAsyncAPI_HeaderSchemasAcceptWhatTheContractWrites(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	if err := compiler.AddResource("asyncapi.json", asyncAPI(t)); err != nil {
		t.Fatal(err)
	}
	schema := func(name string) *jsonschema.Schema {
		s, err := compiler.Compile("asyncapi.json#/components/schemas/" + name)
		if err != nil {
			t.Fatalf("compile %s: %v", name, err)
		}
		return s
	}
	event := body{
		"ce-specversion": "1.0", "ce-id": "e-1", "ce-source": "/create-user/encryptor", "ce-type": "user.create.encrypted.v1",
		"ce-time": "2026-01-02T03:04:05.678Z", "ce-subject": "s-1", "ce-datacontenttype": "application/json",
		"ce-sagadeadline": "2026-01-02T03:06:05Z", "ce-sagarequested": "2026-01-02T03:04:05Z", "ce-causationid": "e-0",
		"traceparent":                                 "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		"Nats-Expected-Last-Subject-Sequence":         "3",
		"Nats-Expected-Last-Subject-Sequence-Subject": "user.create.*." + strings.Repeat("0a", 16) + ".s-1",
	}
	for name, test := range map[string]struct {
		schema  string
		headers body
		valid   bool
	}{
		"an event":                           {"eventHeaders", event, true},
		"an event without an expectation":    {"eventHeaders", event.with("Nats-Expected-Last-Subject-Sequence", omit), false},
		"an event that expects another":      {"eventHeaders", event.with("Nats-Expected-Last-Subject-Sequence-Subject", "user.create.created.u.s"), false},
		"an event of another specification":  {"eventHeaders", event.with("ce-specversion", "0.3"), false},
		"an event with a malformed trace":    {"eventHeaders", event.with("traceparent", "00"), false},
		"a request without headers":          {"requestHeaders", body{}, true},
		"a request with a message id":        {"requestHeaders", body{"Nats-Msg-Id": "s-1"}, true},
		"a request that says it is no such":  {"requestHeaders", body{"ce-type": "user.create.created.v1"}, false},
		"a request with structured contents": {"requestHeaders", body{"ce-datacontenttype": "text/plain"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := schema(test.schema).Validate(plain(t, test.headers)); (err == nil) != test.valid {
				t.Errorf("valid: %v, want %v (%v)", err == nil, test.valid, err)
			}
		})
	}
}
