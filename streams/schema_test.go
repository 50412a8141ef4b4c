package streams_test

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/create-user/create-user/streams"
)

// compiled returns the schemas of all events by name.
func compiled(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	for _, name := range streams.SchemaNames() {
		data, err := streams.Schema(name)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
		if err := compiler.AddResource("schemas/"+name+".json", doc); err != nil {
			t.Fatalf("schema %s: %v", name, err)
		}
	}
	all := make(map[string]*jsonschema.Schema)
	for _, name := range streams.SchemaNames() {
		schema, err := compiler.Compile("schemas/" + name + ".json")
		if err != nil {
			t.Fatalf("compile schema %s: %v", name, err)
		}
		all[name] = schema
	}
	return all
}

// body is the JSON object of an event.
type body map[string]any

// with returns b with one property set, or taken out when value is omit.
func (b body) with(name string, value any) body {
	c := maps.Clone(b)
	if c[name] = value; value == omit {
		delete(c, name)
	}
	return c
}

var omit = new(any)

func chars(n int) string { return strings.Repeat("é", n) }

func sealed() map[string]any {
	return map[string]any{
		"kid": "dev-1", "key": strings.Repeat("A", 107) + "=", "saga": "s-1", "data": strings.Repeat("A", 40),
	}
}

func claim() map[string]any {
	return map[string]any{"ref": "s-1", "size": 20_000, "sha256": strings.Repeat("0a", 32)}
}

func requestedInClear() body {
	return body{
		"Id": "u1", "Token": "t", "Code": "123456", "Phone": "+34600000000", "Password": "secret",
		"Username": "Ana", "Image": "data:image/png;base64,AAAA",
	}
}

func requestedSealed() body {
	return requestedInClear().with("Phone", omit).with("Password", omit).with("Sealed", sealed())
}

func tokenVerified() body {
	return body{"id": "u1", "code": "123456", "sealed": sealed(), "username": "Ana", "image": ""}
}

func encrypted() body {
	return body{"id": "u1", "encryptedPhone": "a", "encryptedPassword": "b", "username": "Ana", "image": claim()}
}

func completed() body {
	return body{"id": "u1", "status": true, "code": "created", "message": "User created successfully", "step": "code-deleter"}
}

func failed() body {
	return body{"id": "u1", "status": false, "code": "user_exists", "message": "User already exists", "step": "user-writer"}
}

func duplicate() body {
	return failed().with("code", "duplicate_request").with("message", "Error processing job").with("of", "s-0")
}

type example struct {
	schema string
	body   body
}

func TestSchemas_AcceptWhatTheContractAllows(t *testing.T) {
	t.Parallel()
	schemas := compiled(t)
	for name, e := range map[string]example{
		"a request in clear":                   {"requested", requestedInClear()},
		"a sealed request":                     {"requested", requestedSealed()},
		"a request without an image":           {"requested", requestedInClear().with("Image", omit)},
		"a request with a claim check":         {"requested", requestedSealed().with("Image", claim())},
		"a request with null beside":           {"requested", requestedSealed().with("Phone", nil).with("Password", nil)},
		"a request with a property of its own": {"requested", requestedInClear().with("Campaign", "spring")},
		"a request at its limits": {"requested", requestedInClear().with("Id", chars(100)).with("Username", chars(100)).
			with("Phone", chars(32)).with("Password", strings.Repeat("x", 1024)).with("Code", chars(16)).
			with("Token", strings.Repeat("x", 8192)).with("Image", strings.Repeat("x", 1<<20))},
		"an Id of dots, wildcards and emoji":     {"requested", requestedInClear().with("Id", "a.*.> 😀")},
		"token-verified":                         {"token-verified", tokenVerified()},
		"token-verified with a claim check":      {"token-verified", tokenVerified().with("image", claim())},
		"a property that a later version adds":   {"token-verified", tokenVerified().with("locale", "es")},
		"code-checked":                           {"code-checked", tokenVerified().with("code", omit)},
		"encrypted":                              {"encrypted", encrypted()},
		"created":                                {"created", body{"id": "u1", "username": "Ana"}},
		"completed":                              {"completed", completed()},
		"failed":                                 {"failed", failed()},
		"failed with the Id that was the reason": {"failed", failed().with("id", chars(200))},
		"failed for a duplicate":                 {"failed", duplicate()},
	} {
		t.Run(name, func(t *testing.T) {
			if err := schemas[e.schema].Validate(plain(t, e.body)); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestSchemas_RefuseWhatTheContractDoesNot(t *testing.T) {
	t.Parallel()
	schemas := compiled(t)
	badSealed := func(name string, value any) map[string]any { return body(sealed()).with(name, value) }
	badClaim := func(name string, value any) map[string]any { return body(claim()).with(name, value) }
	examples := map[string]example{
		"a request with both forms":           {"requested", requestedInClear().with("Sealed", sealed())},
		"a request with neither form":         {"requested", requestedSealed().with("Sealed", omit)},
		"a request with half a form":          {"requested", requestedInClear().with("Phone", omit)},
		"a null password":                     {"requested", requestedInClear().with("Password", nil)},
		"a code that is a number":             {"requested", requestedInClear().with("Code", 123456)},
		"a null code":                         {"requested", requestedInClear().with("Code", nil)},
		"an Id with a control character":      {"requested", requestedInClear().with("Id", "u\u00851")},
		"an Id with a line break at its end":  {"requested", requestedInClear().with("Id", "u1\n")},
		"an Id like our Redis keys":           {"requested", requestedInClear().with("Id", "create-user:claim:x")},
		"too long an Id":                      {"requested", requestedInClear().with("Id", chars(101))},
		"too long a name":                     {"requested", requestedInClear().with("Username", chars(101))},
		"too long a phone":                    {"requested", requestedInClear().with("Phone", chars(33))},
		"too long a password":                 {"requested", requestedInClear().with("Password", chars(1025))},
		"too long a code":                     {"requested", requestedInClear().with("Code", chars(17))},
		"too long a token":                    {"requested", requestedInClear().with("Token", chars(8193))},
		"too large an image":                  {"requested", requestedInClear().with("Image", chars(1<<20+1))},
		"a sealed text":                       {"requested", requestedSealed().with("Sealed", "text")},
		"a large image inside an event":       {"token-verified", tokenVerified().with("image", chars(16<<10+1))},
		"a password in clear in an event":     {"token-verified", tokenVerified().with("password", "x")},
		"a phone in clear, in capitals":       {"created", body{"id": "u1", "username": "Ana", "PHONE": "1"}},
		"a token in an event":                 {"code-checked", tokenVerified().with("code", omit).with("token", "x")},
		"credentials that are not encrypted":  {"encrypted", encrypted().with("encryptedPhone", "")},
		"completed without success":           {"completed", completed().with("status", false)},
		"completed with another sentence":     {"completed", completed().with("message", "OK")},
		"failed with success":                 {"failed", failed().with("status", true)},
		"failed with the code of success":     {"failed", failed().with("code", "created")},
		"failed with an unknown code":         {"failed", failed().with("code", "tired")},
		"failed with another code's sentence": {"failed", failed().with("message", "The verification code is incorrect")},
		"a duplicate of nothing":              {"failed", duplicate().with("of", omit)},
		"of without a duplicate":              {"failed", failed().with("of", "s-0")},
		"sealed without its key id":           {"token-verified", tokenVerified().with("sealed", badSealed("kid", omit))},
		"sealed with a short key":             {"token-verified", tokenVerified().with("sealed", badSealed("key", "AAAA"))},
		"sealed for no saga":                  {"token-verified", tokenVerified().with("sealed", badSealed("saga", "a.b"))},
		"sealed data that is not base64":      {"token-verified", tokenVerified().with("sealed", badSealed("data", strings.Repeat("-", 40)))},
		"a claim check of nothing":            {"encrypted", encrypted().with("image", badClaim("size", 0))},
		"a claim check with a wrong sum":      {"encrypted", encrypted().with("image", badClaim("sha256", "0A"))},
		"a claim check with a path":           {"encrypted", encrypted().with("image", badClaim("ref", "../x"))},
	}
	for schema, whole := range map[string]body{
		"requested": requestedInClear().with("Image", omit), "token-verified": tokenVerified(),
		"code-checked": tokenVerified().with("code", omit), "encrypted": encrypted(),
		"created": {"id": "u1", "username": "Ana"}, "completed": completed(), "failed": failed(),
	} {
		for property := range whole {
			examples[schema+" without "+property] = example{schema, whole.with(property, omit)}
			examples[schema+" with a list as "+property] = example{schema, whole.with(property, []any{"x"})}
		}
	}
	for name, e := range examples {
		t.Run(name, func(t *testing.T) {
			if err := schemas[e.schema].Validate(plain(t, e.body)); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestSchema_OfAnUnknownEventNamesTheKnown(t *testing.T) {
	t.Parallel()
	names := streams.SchemaNames()
	for _, event := range []string{"requested", "token-verified", "code-checked", "encrypted", "created", "completed", "failed"} {
		if !slices.Contains(names, event) {
			t.Errorf("there is no schema %s", event)
		}
	}
	_, err := streams.Schema("deleted")
	if err == nil || !strings.Contains(err.Error(), "token-verified") {
		t.Errorf("error %v, want one that lists the schemas", err)
	}
	if _, err := streams.Schema("../go"); err == nil {
		t.Error("a name that leaves the folder is accepted")
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(names)), names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}
