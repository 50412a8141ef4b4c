package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"
)

// kedaValidator holds objects against KEDA's custom resource definition.
type kedaValidator struct{ schema *jsonschema.Schema }

// kedaSchema reads the schema of a custom resource definition.
func kedaSchema(path string) (*kedaValidator, error) {
	text, err := os.ReadFile(path) //nolint:gosec // the caller's own
	if err != nil {
		return nil, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(definition.Spec.Versions) == 0 {
		return nil, fmt.Errorf("%s: no version of a custom resource", path)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	closed(schema)
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("keda.json", schema); err != nil {
		return nil, err
	}
	compiled, err := compiler.Compile("keda.json")
	if err != nil {
		return nil, err
	}
	return &kedaValidator{compiled}, nil
}

// closed lets no object have a property that its schema does not name, as the
// API server's strict validation does.
func closed(schema map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	if _, open := schema["additionalProperties"]; properties != nil && !open && schema["x-kubernetes-preserve-unknown-fields"] == nil {
		schema["additionalProperties"] = false
	}
	for name, p := range properties {
		property, _ := p.(map[string]any)
		if name == "metadata" && property["properties"] == nil {
			continue
		}
		closed(property)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		closed(items)
	}
}

// check returns what is wrong with an object.
func (v *kedaValidator) check(text []byte) error {
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return err
	}
	var object any
	if err := json.Unmarshal(asJSON, &object); err != nil {
		return err
	}
	return v.schema.Validate(object)
}
