package event_test

import (
	"testing"

	"github.com/create-user/create-user/pkg/event"
)

// The table of DESIGN §2. Clients compare the sentences literally.
func TestOutcomes_AreThoseOfTheDesign(t *testing.T) {
	table := []struct {
		code    string
		status  bool
		heard   bool
		message string
	}{
		{"created", true, true, "User created successfully"},
		{"session_expired", false, true, "Session expired. Please log in again."},
		{"code_incorrect", false, true, "The verification code is incorrect"},
		{"code_locked", false, true, "Too many incorrect codes. Request a new code."},
		{"duplicate_request", false, false, "Error processing job"},
		{"encryption_failed", false, true, "Error encrypting your credentials. Please try again."},
		{"user_exists", false, true, "User already exists"},
		{"invalid_request", false, true, "Error processing job"},
		{"deadline_exceeded", false, true, "Error processing job"},
		{"processing_error", false, true, "Error processing job"},
	}
	codes := event.Codes()
	if len(codes) != len(table) {
		t.Fatalf("there are %d codes, want %d", len(codes), len(table))
	}
	for i, row := range table {
		t.Run(row.code, func(t *testing.T) {
			ended := event.NewEnded("user-1", "a-step", codes[i])
			want := event.Ended{ID: "user-1", Status: row.status, Code: event.Code(row.code), Message: row.message, Step: "a-step"}
			if ended != want {
				t.Errorf("got %+v, want %+v", ended, want)
			}
			if got := codes[i].Heard(); got != row.heard {
				t.Errorf("heard: %v, want %v", got, row.heard)
			}
			wantType := event.TypeFailed
			if row.status {
				wantType = event.TypeCompleted
			}
			if got := ended.EventType(); got != wantType {
				t.Errorf("it is a %s event, want %s", got, wantType)
			}
		})
	}
}

func TestOutcome_UnknownCodeIsHeardAsTheGeneralSentence(t *testing.T) {
	if got := event.Code("of a later version").Message(); got != "Error processing job" {
		t.Errorf("got %q", got)
	}
}
