package streams

import (
	"fmt"
	"io/fs"
	"strings"
)

// Schema returns the JSON Schema (draft-07) of an event's body by the event's
// name: requested, token-verified, and so on. The schemas refer to one named
// common, by the file's name.
func Schema(name string) ([]byte, error) {
	data, err := files.ReadFile("schemas/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("schema %q: there is none of that name, but %s", name, strings.Join(SchemaNames(), ", "))
	}
	return data, nil
}

// SchemaNames returns the names that [Schema] knows, in alphabetical order.
func SchemaNames() []string {
	entries, err := fs.Glob(files, "schemas/*.json")
	if err != nil {
		return nil // only a malformed pattern fails, and this one is not
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(entry, "schemas/"), ".json"))
	}
	return names
}
