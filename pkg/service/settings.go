package service

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/caarlos0/env/v11"
)

// Vars are environment variables.
type Vars map[string]string

// Environ returns the process's environment variables.
func Environ() Vars { return env.ToMap(os.Environ()) }

// fileSuffix marks a variable that names a file which holds the value: the
// usual way to hand a secret to a container.
const fileSuffix = "_FILE"

// With returns v with every variable of over laid over it.
func (v Vars) With(over Vars) Vars {
	all := maps.Clone(v)
	if all == nil {
		all = Vars{}
	}
	maps.Copy(all, over)
	return all
}

// Load reads a settings struct from environment variables. Each field names its
// variable in an `env` tag, its default in `envDefault`, and what it is for in
// `help`. NAME_FILE names a file that holds the value of NAME. Errors name the
// variable and never its value.
func Load[T any](vars Vars) (T, error) {
	var settings T
	known := fields(reflect.TypeFor[T]())
	resolved, err := resolveFiles(vars, known)
	if err != nil {
		return settings, err
	}
	if err := env.ParseWithOptions(&settings, env.Options{Environment: resolved}); err != nil {
		return settings, explain(err, known)
	}
	return settings, refuseDevelopmentSecrets(resolved, known)
}

// resolveFiles reads the values that stand in files.
func resolveFiles(vars Vars, known []field) (Vars, error) {
	resolved := maps.Clone(vars)
	for _, f := range known {
		path := vars[f.name+fileSuffix]
		if path == "" {
			continue
		}
		if vars[f.name] != "" {
			return nil, fmt.Errorf("%s and %s%s are both set: keep one", f.name, f.name, fileSuffix)
		}
		text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", f.name, fileSuffix, err)
		}
		resolved[f.name] = strings.TrimSpace(string(text))
	}
	return resolved, nil
}

// explain turns the library's errors, which name fields and quote values, into
// one that names each variable.
func explain(err error, known []field) error {
	all, ok := errors.AsType[env.AggregateError](err)
	if !ok {
		return err
	}
	var problems []error
	for _, one := range all.Errors {
		if missing, ok := errors.AsType[env.VarIsNotSetError](one); ok {
			one = fmt.Errorf("%s is not set (see --help)", missing.Key)
		}
		if wrong, ok := errors.AsType[env.ParseError](one); ok {
			i := slices.IndexFunc(known, func(f field) bool { return f.goName == wrong.Name })
			one = fmt.Errorf("%s cannot be read as a %s (see --help)", known[i].name, wrong.Type)
		}
		problems = append(problems, one)
	}
	return errors.Join(problems...)
}

// field is one setting of a struct.
type field struct {
	goName               string // the struct field's
	name, fallback, help string
	required             bool
}

// fields lists the settings of a struct, those of embedded structs first.
func fields(t reflect.Type) []field {
	var list []field
	for f := range t.Fields() {
		if f.Anonymous {
			list = append(list, fields(f.Type)...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("env"), ",")
		if name == "" {
			continue
		}
		list = append(list, field{
			goName: f.Name, name: name, fallback: f.Tag.Get("envDefault"), help: f.Tag.Get("help"),
			required: slices.Contains(strings.Split(options, ","), "required"),
		})
	}
	return list
}

// WriteHelp writes a table of the settings in T to w.
func WriteHelp[T any](w io.Writer) error { return writeHelp(w, fields(reflect.TypeFor[T]())) }

func writeHelp(w io.Writer, list []field) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, f := range list {
		value := f.fallback
		if f.required {
			value = "(required)"
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", f.name, value, f.help) // Flush reports
	}
	return table.Flush()
}
