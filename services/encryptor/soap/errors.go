package soap

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrUnavailable is that the service could not be asked or did not answer:
	// no connection, no trust in its certificate, a connection that broke, no
	// answer in time, or a status with which HTTP says that it is away. The same
	// call may succeed later.
	ErrUnavailable = errors.New("the encryption service is unavailable")

	// ErrUnusable is that the service answered, but with nothing that the
	// contract knows: an answer that is empty, too large, not XML, without one of
	// the values or with a value that is not encrypted, or an unexpected status.
	// It is more likely a wrong setting than an outage.
	ErrUnusable = errors.New("the encryption service gave an unusable answer")

	// ErrValue is that a value was not sent, since it is empty, no XML 1.0
	// document can carry it, or, sent raw, it would break the envelope. The service
	// was not asked.
	ErrValue = errors.New("a value cannot be sent to the encryption service")
)

// The codes of a Fault. The first four are those of SOAP 1.1, section 4.4.1;
// Sender and Receiver are their names in SOAP 1.2, which some servers send in
// the envelope of 1.1.
const (
	CodeClient          = "Client"
	CodeServer          = "Server"
	CodeMustUnderstand  = "MustUnderstand"
	CodeVersionMismatch = "VersionMismatch"
	codeSender          = "Sender"
	codeReceiver        = "Receiver"
	codeOther           = "other"
)

// Fault is that the service answered with a SOAP fault: its word that it will
// not encrypt these values. The package's documentation says what its code is
// worth.
//
// Only the code is kept, and only when it is one that SOAP defines. Services
// put what they were sent into the fault's text, its detail and even the code,
// and here that is a password.
type Fault struct {
	// Code is one of CodeClient, CodeServer, CodeMustUnderstand and
	// CodeVersionMismatch, or "other".
	Code string
}

// Error names the code.
func (f *Fault) Error() string {
	return fmt.Sprintf("the encryption service answered with a SOAP fault (%s)", f.Code)
}

// newFault makes a Fault from the text of a faultcode element: a qualified
// name, of which a dot may begin a more specific part.
func newFault(code string) *Fault {
	code = strings.TrimSpace(code)
	code = code[strings.LastIndexByte(code, ':')+1:]
	code, _, _ = strings.Cut(code, ".")
	switch code {
	case CodeClient, CodeServer, CodeMustUnderstand, CodeVersionMismatch:
		return &Fault{Code: code}
	case codeSender:
		return &Fault{Code: CodeClient}
	case codeReceiver:
		return &Fault{Code: CodeServer}
	}
	return &Fault{Code: codeOther}
}
