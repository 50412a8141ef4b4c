package invariants

import "github.com/create-user/create-user/pkg/event"

// Facts is all that can be seen of a system at rest.
type Facts struct {
	Registrations []Registration
	Events        []Event              // the whole event store, in stream order
	DeadLetters   []event.DeadLetter   // all that were kept
	Rows          map[string]Row       // by Id
	Codes         map[string]string    // the stored codes, by Id
	Claims        map[string]string    // the sagas that hold a claim, by Id
	Heard         map[string][]Outcome // what each client heard, in order, by Id
}

// Registration is one user's wish to be registered, and all that was submitted of it.
type Registration struct {
	ID          string
	Code        string       // that the issuer had stored for the Id; empty: none
	Ends        []event.Code // how it may end; CodeCreated alone when nothing is wrong with it
	Submissions []Submission
	Deaf        bool // no client listens for it
}

// Submission is one request of a registration.
type Submission struct {
	Saga     string // its message id; empty: the system makes one
	Stored   bool   // the inbox has acknowledged it
	Attempts int    // how often it was published; without a message id each may be a request of its own
}

// Event is one event of the event store.
type Event struct {
	event.Key
	Type     event.Type
	Sequence uint64
	Data     []byte
}

// Row is a user as it stands in the table.
type Row struct{ Phone, Password, Name, Image string }

// Outcome is what a client hears.
type Outcome struct {
	Message string     `json:"Message"`
	Status  bool       `json:"Status"`
	Code    event.Code `json:"Code"`
	Saga    string     `json:"Saga"`
}

// Class is what a violation means for a user.
type Class string

// The classes, as the report counts them.
const (
	Lost    Class = "lost"    // a registration that was acknowledged and has no outcome, or no user
	Wrong   Class = "wrong"   // an outcome, or a state, that is not the one it must be
	Doubled Class = "doubled" // two ends, two users, two different outcomes
	Unheard Class = "unheard" // the outcome stands, but nobody told the user
)

// Classes returns every class.
func Classes() []Class { return []Class{Lost, Wrong, Doubled, Unheard} }

// Violation is one invariant that does not hold. It names no secret.
type Violation struct {
	Rule   string `json:"rule"` // see the package comment
	Class  Class  `json:"class"`
	ID     string `json:"id"` // of the user
	Saga   string `json:"saga,omitempty"`
	Detail string `json:"detail"`
}

// String describes the violation in one line.
func (v Violation) String() string {
	text := string(v.Class) + " (" + v.Rule + "): user " + v.ID
	if v.Saga != "" {
		text += ", saga " + v.Saga
	}
	return text + ": " + v.Detail
}

// Count returns how many users are struck by a violation of class c: one fault
// may break several rules, and is one user's.
func Count(violations []Violation, c Class) int {
	users := map[string]bool{}
	for _, v := range violations {
		if v.Class == c {
			users[v.ID] = true
		}
	}
	return len(users)
}
