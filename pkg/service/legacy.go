package service

import (
	"regexp"
	"strings"
)

// legacyPart is a variable in a `legacy` tag: {NAME}, or {NAME:default}.
var legacyPart = regexp.MustCompile(`\{([A-Z_]+)(?::([^}]*))?\}`)

// legacyValue makes the value of a setting from variables of the service that this
// system replaces. The tag is one variable's name, or a value with variables in
// braces: "redis://{BULL_USERS_HOST:127.0.0.1}:{BULL_USERS_PORT:6379}/0". The value is
// empty unless one of the variables is set. The names are all that the tag names.
func legacyValue(tag string, vars Vars) (value string, names []string) {
	if tag == "" {
		return "", nil
	}
	if !strings.Contains(tag, "{") {
		return vars[tag], []string{tag}
	}
	set := false
	value = legacyPart.ReplaceAllStringFunc(tag, func(part string) string {
		match := legacyPart.FindStringSubmatch(part)
		names = append(names, match[1])
		if given := vars[match[1]]; given != "" {
			set = true
			return given
		}
		return match[2]
	})
	if !set {
		return "", names
	}
	return value, names
}
