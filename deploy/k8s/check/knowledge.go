package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// knowledge is what the rest of the repository says about a deployment.
type knowledge struct {
	secrets string            // a folder that "createuser secrets" made
	streams map[string]string // the stream of each consumer
}

// consumersIn reads which stream each declared consumer is on.
func consumersIn(folder string) (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no consumers in %s", folder)
	}
	streams := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var declared struct {
			Name     string `json:"durable_name"`
			Metadata struct {
				Stream string `json:"stream"`
			} `json:"metadata"`
		}
		if err := json.Unmarshal(text, &declared); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		streams[declared.Name] = declared.Metadata.Stream
	}
	return streams, nil
}

// podFiles returns which files a pod is told of that its Secret does not hold.
func (k knowledge) podFiles(p pod) []error {
	secret := ""
	for _, v := range p.template.Spec.Volumes {
		if v.Secret != nil {
			secret = v.Secret.SecretName
		}
	}
	variables := map[string]string{}
	for _, c := range p.template.Spec.Containers {
		for _, v := range c.Env {
			variables[v.Name] = v.Value
		}
	}
	return k.files(variables, secret)
}

// files returns which of the variables' files the owner's Secret does not hold.
func (k knowledge) files(variables map[string]string, owner string) []error {
	const mounted = "/run/secrets/"
	var problems []error
	for name, value := range variables {
		file, isFile := strings.CutPrefix(value, mounted)
		if !isFile {
			continue
		}
		if _, err := os.Stat(filepath.Join(k.secrets, owner, file)); err != nil {
			problems = append(problems, fmt.Errorf(`%s=%s: "createuser secrets" makes no %s for %s`, name, value, file, owner))
		}
	}
	return problems
}
