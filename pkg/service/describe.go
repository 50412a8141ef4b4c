package service

import (
	"net/url"
	"reflect"
	"strings"
)

// Setting is one setting as a service reads it.
type Setting struct {
	Name   string
	Value  string // masked when it is secret; empty: not set
	Source string // "default", "variable", NAME_FILE, or the variables of the replaced service
	Help   string
}

// The sources of settings that stand in no other variable.
const (
	SourceDefault  = "default"
	SourceVariable = "variable"
)

// masked stands for a secret.
const masked = "********"

// Describe returns the settings in T as [Load] reads them. It fails only when a
// value cannot be had; whether it is right is for Load to say.
func Describe[T any](vars Vars) ([]Setting, error) {
	known := fields(reflect.TypeFor[T]())
	resolved, from, err := resolve(vars, known)
	if err != nil {
		return nil, settingsError{err}
	}
	list := make([]Setting, len(known))
	for i, f := range known {
		s := Setting{Name: f.name, Value: resolved[f.name], Source: SourceVariable, Help: f.help}
		if source := from[f.name]; source != "" {
			s.Source = source
		}
		if s.Value == "" {
			s.Value, s.Source = f.fallback, SourceDefault
		}
		s.Value = mask(s.Value, f.secret)
		list[i] = s
	}
	return list, nil
}

// mask hides a secret, and the credentials in URLs.
func mask(value string, secret bool) string {
	if value == "" {
		return ""
	}
	if secret {
		return masked
	}
	if !strings.Contains(value, "://") {
		return value
	}
	var all []string
	for one := range strings.SplitSeq(value, ",") {
		all = append(all, maskURL(strings.TrimSpace(one)))
	}
	return strings.Join(all, ",")
}

// maskURL hides the credentials of a URL, and what stands behind its path. One
// that cannot be read may hold them anywhere.
func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return masked
	}
	if u.User == nil && u.RawQuery == "" {
		return text
	}
	hidden := u.Scheme + "://"
	if u.User != nil {
		hidden += masked + "@"
	}
	hidden += u.Host + u.EscapedPath()
	if u.RawQuery != "" {
		hidden += "?" + masked
	}
	return hidden
}
