package streams

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Drift is one setting that is not as declared. Durations are readable, other
// values are in JSON.
type Drift struct {
	Field    string // as in the file
	Declared string
	Actual   string // what the server has
}

// String returns a line such as "max_age: declared 168h0m0s, server has 24h0m0s".
func (d Drift) String() string {
	return fmt.Sprintf("%s: declared %s, server has %s", d.Field, d.Declared, d.Actual)
}

// compare lists where have differs from want, among the given fields only: a
// server fills in defaults for all others, and operators may have set them.
func compare[T any](fields []string, want, have T) ([]Drift, error) {
	declared, err := settingsOf(want)
	if err != nil {
		return nil, err
	}
	actual, err := settingsOf(have)
	if err != nil {
		return nil, err
	}
	var drifts []Drift
	for _, field := range fields {
		w, h := declared[field], actual[field]
		if field == "metadata" {
			h = onlyKeysOf(w, h)
		}
		if !equal(field, w, h) {
			drifts = append(drifts, Drift{Field: field, Declared: show(field, w), Actual: show(field, h)})
		}
	}
	return drifts, nil
}

// overlay returns have with the given fields taken from want. Metadata is
// merged, and what the server itself writes there is left out: it writes it anew.
func overlay[T any](fields []string, want, have T) (T, error) {
	var merged T
	declared, err := settingsOf(want)
	if err != nil {
		return merged, err
	}
	result, err := settingsOf(have)
	if err != nil {
		return merged, err
	}
	for _, field := range fields {
		if ours, ok := declared[field].(map[string]any); ok && field == "metadata" {
			all, _ := result[field].(map[string]any)
			declared[field] = mergeMetadata(all, ours)
		}
		if result[field] = declared[field]; result[field] == nil {
			delete(result, field)
		}
	}
	data, err := json.Marshal(result)
	if err != nil {
		return merged, fmt.Errorf("encode settings: %w", err)
	}
	if err := json.Unmarshal(data, &merged); err != nil {
		return merged, fmt.Errorf("decode settings: %w", err)
	}
	return merged, nil
}

// reservedMetadata begins the keys that the server keeps for itself.
// Source: nats-server, server/jetstream_versioning.go.
const reservedMetadata = "_nats."

func mergeMetadata(all, ours map[string]any) map[string]any {
	merged := maps.Clone(ours)
	for key, value := range all {
		if _, declared := ours[key]; !declared && !strings.HasPrefix(key, reservedMetadata) {
			merged[key] = value
		}
	}
	return merged
}

// settingsOf returns a configuration as its JSON object.
func settingsOf(config any) (map[string]any, error) {
	data, err := json.Marshal(config)
	if err != nil {
		return nil, fmt.Errorf("encode settings: %w", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // a float64 cannot hold every nanosecond count
	var settings map[string]any
	if err := decoder.Decode(&settings); err != nil {
		return nil, fmt.Errorf("decode settings: %w", err)
	}
	return settings, nil
}

// onlyKeysOf leaves in have what want names too.
func onlyKeysOf(want, have any) any {
	named, _ := want.(map[string]any)
	all, _ := have.(map[string]any)
	kept := make(map[string]any, len(named))
	for key := range named {
		if value, ok := all[key]; ok {
			kept[key] = value
		}
	}
	return kept
}

func equal(field string, want, have any) bool {
	w, h := normal(field, want), normal(field, have)
	if w == nil && serverDecides(field) {
		return true
	}
	return reflect.DeepEqual(w, h)
}

// normal maps the ways to say the same to one: absent, zero and unlimited to
// nil, and sets of subjects to their sorted form.
func normal(field string, value any) any {
	switch v := value.(type) {
	case json.Number:
		if v == "0" || v == "-1" && unlimited(field) {
			return nil
		}
	case []any:
		if len(v) == 0 {
			return nil
		}
		if field == "subjects" || field == "filter_subjects" {
			return slices.SortedFunc(slices.Values(v), func(a, b any) int {
				return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
			})
		}
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	case string:
		if v == "" {
			return nil
		}
	}
	return value
}

// unlimited reports whether 0 and -1 both mean "no limit" in a field.
func unlimited(field string) bool {
	switch field {
	case "max_msgs", "max_bytes", "max_msgs_per_subject", "max_msg_size", "max_consumers", "max_deliver":
		return true
	default:
		return false
	}
}

// serverDecides reports whether 0 in a field asks for the server's default.
func serverDecides(field string) bool {
	switch field {
	case "duplicate_window", "num_replicas", "ack_wait", "max_ack_pending", "max_waiting":
		return true
	default:
		return false
	}
}

// show returns a value as a reader wants to see it.
func show(field string, value any) string {
	if value == nil {
		return "nothing"
	}
	number, isNumber := value.(json.Number)
	switch field {
	case "max_age", "duplicate_window", "subject_delete_marker_ttl", "ack_wait", "max_expires",
		"inactive_threshold", "idle_heartbeat", "priority_timeout":
		if ns, err := number.Int64(); isNumber && err == nil {
			return time.Duration(ns).String()
		}
	}
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // a subject may hold ">"
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSpace(text.String())
}
