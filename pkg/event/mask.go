package event

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Masked returns a body with everything hidden that may be a secret: of the
// fields that the contract does not know, even their names.
func Masked(data []byte) string {
	var body map[string]any
	if json.Unmarshal(data, &body) != nil || body == nil {
		return fmt.Sprintf("%d bytes that are no JSON object: not shown", len(data))
	}
	unknown := 0
	for name, value := range body {
		switch strings.ToLower(name) {
		case "id", "username", "status", "step", "of":
			if !short(value) {
				body[name] = "(hidden)"
			}
		case "token", "code", "phone", "password", "sealed", "image", "encryptedphone", "encryptedpassword", "message":
			body[name] = "(hidden)"
		default:
			delete(body, name)
			unknown++
		}
	}
	if unknown > 0 {
		body["(unknown fields)"] = unknown
	}
	line, err := json.Marshal(body)
	if err != nil {
		return "(hidden)"
	}
	return string(line)
}

// short reports whether a value is one that the contract allows where no secret
// stands.
func short(value any) bool {
	switch v := value.(type) {
	case string:
		return utf8.RuneCountInString(v) <= MaxID
	case bool:
		return true
	}
	return false
}
