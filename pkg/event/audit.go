package event

import "time"

// Audit is the body of an audit event: what an operator did to a dead letter.
// It is stored before the act, so that none goes without one; when the act then
// failed, a second one says so.
type Audit struct {
	Time   time.Time   `json:"time"`
	Actor  string      `json:"actor"` // who did it, as the tool knows them
	Action AuditAction `json:"action"`
	Letter uint64      `json:"letter"` // the dead letter's number
	Step   string      `json:"step"`
	User   string      `json:"user"` // see UserHash
	Saga   string      `json:"saga"`
	Error  string      `json:"error,omitempty"` // the act failed: why
}

// AuditAction is what was done.
type AuditAction string

// What operators do.
const (
	AuditReplay  AuditAction = "replay"
	AuditDiscard AuditAction = "discard"
)

// AuditSubject returns where audit events of an action are kept.
func AuditSubject(a AuditAction) string { return auditPrefix + string(a) }
