package event

// Code is the machine's reason for the end of a saga. It stands in the
// terminal event; the user hears the sentence that belongs to it.
type Code string

// Every way in which a saga can end.
const (
	CodeCreated          Code = "created"           // the user exists now, the code is deleted
	CodeSessionExpired   Code = "session_expired"   // the token is not valid for this Id
	CodeIncorrect        Code = "code_incorrect"    // no code stored for the Id, or another one
	CodeLocked           Code = "code_locked"       // too many wrong codes
	CodeDuplicateRequest Code = "duplicate_request" // another saga has this registration in hand
	CodeEncryptionFailed Code = "encryption_failed" // the encryption service refused or stayed unusable
	CodeUserExists       Code = "user_exists"       // the Id is registered already
	CodeInvalidRequest   Code = "invalid_request"   // a field is missing, malformed or out of range
	CodeDeadlineExceeded Code = "deadline_exceeded" // the saga did not end in time
	CodeProcessingError  Code = "processing_error"  // dead-lettered
)

// Message returns the sentence that the user hears for c. The sentences are
// the replaced service's, which clients compare literally, so they never change.
// Codes without one of their own, unknown ones included, share the general one.
func (c Code) Message() string {
	switch c {
	case CodeCreated:
		return "User created successfully"
	case CodeSessionExpired:
		return "Session expired. Please log in again."
	case CodeIncorrect:
		return "The verification code is incorrect"
	case CodeLocked:
		return "Too many incorrect codes. Request a new code."
	case CodeEncryptionFailed:
		return "Error encrypting your credentials. Please try again."
	case CodeUserExists:
		return "User already exists"
	default:
		return "Error processing job"
	}
}

// Heard reports whether the user hears of an end with this code. A duplicate
// is not heard: the room hears the outcome of the saga it duplicates, and
// nothing that contradicts it.
func (c Code) Heard() bool { return c != CodeDuplicateRequest }

// Codes returns every code, in the order of the contract.
func Codes() []Code {
	return []Code{
		CodeCreated, CodeSessionExpired, CodeIncorrect, CodeLocked, CodeDuplicateRequest,
		CodeEncryptionFailed, CodeUserExists, CodeInvalidRequest, CodeDeadlineExceeded, CodeProcessingError,
	}
}
