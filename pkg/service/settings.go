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
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/rs/zerolog"
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
// `help`. NAME_FILE names a file that holds the value of NAME. An empty variable
// counts as not set. A `legacy` tag names the variable of the replaced service that
// says the same, or makes the value of several: see [legacyValue]; it counts when
// neither NAME nor NAME_FILE is set. `secret:"true"` keeps a value from being shown.
// Errors name the variable and never its value; for them [Main] exits with 2.
func Load[T any](vars Vars) (T, error) {
	var settings T
	err := load(&settings, vars, fields(reflect.TypeFor[T]()))
	if err != nil {
		err = settingsError{err}
	}
	return settings, err
}

// settingsError is what is wrong with the settings.
type settingsError struct{ error }

func (e settingsError) Unwrap() error { return e.error }

func load(settings any, vars Vars, known []field) error {
	resolved, from, err := resolve(vars, known)
	if err != nil {
		return err
	}
	if err := env.ParseWithOptions(settings, env.Options{Environment: resolved}); err != nil {
		return explain(err, known, from)
	}
	return refuseDevelopmentSecrets(resolved, known)
}

// resolve reads the values that stand in files or in variables of the replaced
// service. It also returns where each of these stands.
func resolve(vars Vars, known []field) (Vars, map[string]string, error) {
	resolved, from := Vars{}.With(vars), map[string]string{}
	maps.DeleteFunc(resolved, func(_, value string) bool { return value == "" })
	for _, f := range known {
		path := vars[f.name+fileSuffix]
		if path == "" {
			if value, names := legacyValue(f.legacy, vars); value != "" && vars[f.name] == "" {
				resolved[f.name], from[f.name] = value, strings.Join(names, ", ")
			}
			continue
		}
		if vars[f.name] != "" {
			return nil, nil, fmt.Errorf("%s and %s%s are both set: keep one", f.name, f.name, fileSuffix)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, nil, fmt.Errorf("%s%s: %w", f.name, fileSuffix, err)
		}
		resolved[f.name], from[f.name] = strings.TrimSpace(string(text)), f.name+fileSuffix
	}
	return resolved, from, nil
}

// explain turns the library's errors, which name fields and quote values, into
// one that names each variable.
func explain(err error, known []field, from map[string]string) error {
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
			one = fmt.Errorf("%s cannot be read as %s (see --help)", named(wrong.Name, known, from), inWords(wrong.Type))
		}
		problems = append(problems, one)
	}
	return errors.Join(problems...)
}

// inWords says what a value of type t looks like.
func inWords(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[uint16]():
		return "a number from 0 to 65535"
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[time.Duration]():
		return "a duration, such as 500ms or 2m"
	case reflect.TypeFor[zerolog.Level]():
		return "a level: trace, debug, info, warn or error"
	}
	return "a " + t.String()
}

// named returns the variable of a struct field, or those of all fields of that
// name where embedded structs have several; with where its value stands.
func named(goName string, known []field, from map[string]string) string {
	var names []string
	for _, f := range known {
		if f.goName != goName {
			continue
		}
		name := f.name
		if source := from[name]; source != "" {
			name += " (from " + source + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, " or ")
}

// field is one setting of a struct.
type field struct {
	goName               string // the struct field's
	name, fallback, help string
	legacy               string
	required, secret     bool
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
			legacy:   f.Tag.Get("legacy"), secret: f.Tag.Get("secret") == "true",
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
		help := f.help
		if _, names := legacyValue(f.legacy, nil); len(names) > 0 {
			help += "; also from " + strings.Join(names, ", ")
		}
		_, _ = fmt.Fprintf(table, "  %s\t%s\t%s\n", f.name, value, help) // Flush reports
	}
	return table.Flush()
}
