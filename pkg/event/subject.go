package event

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The streams of the system, and the bucket that holds large images.
const (
	StreamRequests    = "USER_CREATE_REQUESTS"
	StreamEvents      = "USER_CREATE_EVENTS"
	StreamDeadLetters = "USER_CREATE_DLQ"
	StreamAudit       = "USER_CREATE_AUDIT"
	BucketImages      = "USER_CREATE_IMAGES"
)

const (
	prefix           = "user.create."
	deadLetterPrefix = "dlq.user.create."
	auditPrefix      = "audit.user.create."
	presencePrefix   = "presence.user.create."

	// SubjectRequested is where upstream services publish requests.
	SubjectRequested = prefix + string(TypeRequested)

	// UnknownUser stands for the user in the subject of a dead letter whose
	// request names none.
	UnknownUser = "unknown"

	maxSagaID = 64
)

// Key identifies one saga. The user's part lets all registrations of one user
// be found; the same saga id under two users is two sagas.
type Key struct {
	User string // see UserHash
	Saga string // see SagaID
}

// UserHash returns the user's part of a subject: the first 16 bytes of the
// SHA-256 of id, in hex. Ids may hold any character; a subject carries none.
func UserHash(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// SagaID returns the id of the saga that a request begins: the request's
// message id (its Nats-Msg-Id header) when that can stand in a subject, else
// one derived from where the request is stored, so that a redelivered request
// yields the same saga.
func SagaID(msgID, stream string, sequence uint64, stored time.Time) string {
	if ValidSagaID(msgID) {
		return msgID
	}
	origin := stream + "/" + strconv.FormatUint(sequence, 10) + "/" + strconv.FormatInt(stored.UnixNano(), 10)
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:16])
}

// PresenceSubject returns where the processes of a service say that they live; "*"
// for those of every service.
func PresenceSubject(service string) string { return presencePrefix + service }

// ValidSagaID reports whether s can be a saga id: 1 to 64 characters of
// A-Za-z0-9_-, behind which that of a later attempt has its number (see
// [AttemptID]).
func ValidSagaID(s string) bool {
	base, _ := SplitAttempt(s)
	return len(base) <= maxSagaID && token(s)
}

// token reports whether s can be one token of a subject: not empty, and made of
// A-Za-z0-9_- alone, so neither a wildcard nor anything that ends a token.
func token(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
		if !ok {
			return false
		}
	}
	return true
}

// Subject returns the subject of the saga's event of type t.
func (k Key) Subject(t Type) string {
	return prefix + string(t) + "." + k.User + "." + k.Saga
}

// History returns the filter that matches every event of the saga, and the one
// filter that every append states with its expected sequence (see the saga
// package: a cluster checks the expectation safely only then).
func (k Key) History() string { return prefix + "*." + k.User + "." + k.Saga }

// DeadLetterSubject returns where a message that step could not handle is kept.
func (k Key) DeadLetterSubject(step string) string {
	return deadLetterPrefix + step + "." + k.User + "." + k.Saga
}

// UserEvents returns the filter that matches every event of type t of one
// user's sagas; t may be "*".
func UserEvents(t Type, user string) string { return prefix + string(t) + "." + user + ".*" }

// SagaEvents returns the filter that matches the events of type t of every saga.
func SagaEvents(t Type) string { return prefix + string(t) + ".*.*" }

// ErrSubject is wrapped by the errors of [ParseSubject].
var ErrSubject = errors.New("not the subject of a saga's event")

// ParseSubject takes the subject of a stored event apart. It fails with
// [ErrSubject] for any other subject: user.create.requested, which names no
// saga, and one that holds a wildcard, whose history would be that of others.
func ParseSubject(subject string) (Type, Key, error) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return "", Key{}, fmt.Errorf("%w: it does not begin with %q", ErrSubject, prefix)
	}
	t, k, err := parseTail(rest)
	return Type(t), k, err
}

// ParseDeadLetterSubject takes the subject of a dead letter apart.
func ParseDeadLetterSubject(subject string) (step string, k Key, err error) {
	rest, ok := strings.CutPrefix(subject, deadLetterPrefix)
	if !ok {
		return "", Key{}, fmt.Errorf("%w: it does not begin with %q", ErrSubject, deadLetterPrefix)
	}
	return parseTail(rest)
}

func parseTail(rest string) (string, Key, error) {
	parts := strings.Split(rest, ".")
	if len(parts) != 3 || !token(parts[0]) || !token(parts[1]) || !ValidSagaID(parts[2]) {
		return "", Key{}, fmt.Errorf("%w: want <name>.<user>.<saga> after the prefix", ErrSubject)
	}
	return parts[0], Key{User: parts[1], Saga: parts[2]}, nil
}
