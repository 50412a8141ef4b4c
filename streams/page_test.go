package streams_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/create-user/create-user/streams"
)

var update = flag.Bool("update", false, "write docs/events.md anew")

const (
	page   = "../docs/events.md"
	golden = "../pkg/event/testdata/"
)

// The page for readers is made of the schemas and the contract's golden files, so
// that none of the three can say something else.
func TestEventsPage_IsUpToDate(t *testing.T) {
	t.Parallel()
	want := eventsPage(t)
	if *update {
		if err := os.WriteFile(page, want, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("%s is out of date: go test ./streams -run EventsPage -update (-want +have):\n%s", page, diff)
	}
}

// eventsPage renders every event in saga order.
func eventsPage(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(`# Events

<!-- Made of streams/schemas and pkg/event/testdata: go test ./streams -run EventsPage -update -->

What stands on NATS: every event's subject, stream and body, each with an example. The channels, headers and operations are in
[asyncapi.yaml](../streams/asyncapi.yaml), the schemas (JSON Schema draft-07) in [streams/schemas](../streams/schemas). How to publish a
request: [publishing.md](publishing.md).

In a subject, ` + "`<user>`" + ` is the first 16 bytes of the SHA-256 of the Id in hex, and ` + "`<saga>`" + ` the saga's id. Headers are those of
CloudEvents 1.0 in binary mode; ` + "`ce-type`" + ` is the title below.
`)
	names := []string{"requested", "token-verified", "code-checked", "encrypted", "created", "completed", "failed"}
	if diff := cmp.Diff(streams.SchemaNames(), slices.Sorted(slices.Values(append(names, "common")))); diff != "" {
		t.Errorf("the page has other events than there are schemas (-schemas +page):\n%s", diff)
	}
	for _, name := range names {
		subject, stream, example := "user.create."+name+".<user>.<saga>", events, name
		if name == "requested" {
			subject, stream, example = "user.create.requested", requests, "requested-clear"
		}
		s := schemaOf(t, name)
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\nSubject `%s`, stream `%s`.\n\n", text(s["title"]), text(s["description"]), subject, stream)
		writeProperties(t, &b, s)
		fmt.Fprintf(&b, "\n```json\n%s\n```\n", goldenBody(t, example))
	}
	b.WriteString("\n## Sealed credentials\n\n")
	sealed := resolve(t, map[string]any{"$ref": "common.json#/definitions/sealed"})
	b.WriteString(text(sealed["description"]) + "\n\n")
	writeProperties(t, &b, sealed)
	return b.Bytes()
}

func schemaOf(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := streams.Schema(name)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// writeProperties writes a table of an object's properties.
func writeProperties(t *testing.T, b *bytes.Buffer, s map[string]any) {
	t.Helper()
	b.WriteString("| property | | what it is |\n| --- | --- | --- |\n")
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property, ok := properties[name].(map[string]any)
		if !ok { // forbidden
			continue
		}
		need := ""
		if slices.Contains(list(s["required"]), any(name)) {
			need = "required"
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, need, strings.ReplaceAll(describe(resolve(t, property)), "|", "\\|"))
	}
}

// describe says in words what a property is and which values it takes.
func describe(p map[string]any) string {
	words := []string{text(p["description"])}
	if value, ok := p["const"]; ok {
		words = append(words, fmt.Sprintf("Always `%v`.", value))
	}
	if values := list(p["enum"]); len(values) > 0 {
		words = append(words, "One of `"+strings.Join(strings.Fields(strings.Trim(fmt.Sprint(values), "[]")), "`, `")+"`.")
	}
	return strings.TrimSpace(strings.Join(append(words, limits(p)), " "))
}

// limits says how long a text may be.
func limits(p map[string]any) string {
	most, ok := p["maxLength"].(float64)
	if !ok || p["pattern"] != nil { // which says it better
		return ""
	}
	least, _ := p["minLength"].(float64)
	return fmt.Sprintf("%.0f to %.0f characters.", least, most)
}

// resolve follows a reference to another definition.
func resolve(t *testing.T, property map[string]any) map[string]any {
	t.Helper()
	ref, ok := property["$ref"].(string)
	if !ok {
		return property
	}
	file, pointer, _ := strings.Cut(ref, "#")
	s := schemaOf(t, strings.TrimSuffix(file, path.Ext(file)))
	for key := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		s, ok = s[key].(map[string]any)
		if !ok {
			t.Fatalf("%s leads nowhere", ref)
		}
	}
	return s
}

// goldenBody returns the body of a golden file.
func goldenBody(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(golden + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var wire struct{ Body json.RawMessage }
	if err := json.Unmarshal(data, &wire); err != nil || wire.Body == nil {
		wire.Body = data
	}
	var b bytes.Buffer
	if err := json.Indent(&b, wire.Body, "", "  "); err != nil {
		t.Fatal(err)
	}
	return unescape.Replace(b.String())
}

// unescape undoes what Go's encoder escapes for HTML alone: it is the same JSON.
var unescape = strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

func text(v any) string {
	s, _ := v.(string)
	return s
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// What the contract writes, and other languages read, is what the schemas say.
func TestSchemas_AcceptTheGoldenFiles(t *testing.T) {
	t.Parallel()
	schemas := compiled(t)
	files, err := filepath.Glob(golden + "*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if name == "dead-letter" { // no event: asyncapi.yaml describes it
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var wire struct {
			Subject string
			Body    any
		}
		if err := json.Unmarshal(data, &wire); err != nil {
			t.Fatal(err)
		}
		event := strings.Split(wire.Subject, ".")[2]
		if schemas[event] == nil {
			t.Errorf("%s: there is no schema of %s", name, event)
		} else if err := schemas[event].Validate(wire.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
