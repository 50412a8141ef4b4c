package event

import "time"

// DeadLetter is the body of a dead letter: a message that a step could not
// handle, with everything needed to understand it and to begin a new attempt.
// What may hold secrets, the message itself, is sealed to the operators' key.
type DeadLetter struct {
	Step       string    `json:"step"`
	Reason     Reason    `json:"reason"`
	Errors     []string  `json:"errors"` // outermost first
	Subject    string    `json:"subject"`
	Stream     string    `json:"stream"`
	Sequence   uint64    `json:"sequence"`
	Stored     time.Time `json:"stored"` // when the message was stored first
	Died       time.Time `json:"died"`
	Deliveries int       `json:"deliveries"`
	EventID    string    `json:"eventId,omitempty"`
	User       string    `json:"user"` // see UserHash; UnknownUser when none could be read
	Saga       string    `json:"saga"`
	ReplayOf   string    `json:"replayOf,omitempty"` // the attempt before this one, which was dead-lettered too
	Message    Sealed    `json:"message"`            // an Original in JSON
}

// Original is a dead-lettered message as it was taken.
type Original struct {
	Header map[string][]string `json:"header,omitempty"`
	Data   []byte              `json:"data"`
}

// Reason says why a message was dead-lettered.
type Reason string

// The reasons for a dead letter.
const (
	ReasonPoison        Reason = "poison"         // it cannot be decoded
	ReasonPanic         Reason = "panic"          // its handler panicked
	ReasonDeliveryLimit Reason = "delivery_limit" // it was delivered too often
)

// Reasons returns every reason.
func Reasons() []Reason { return []Reason{ReasonPoison, ReasonPanic, ReasonDeliveryLimit} }
