package event

// Type names an event. It is the part of the subject that follows
// "user.create.", and together with [Version] the CloudEvents type.
type Type string

// The events of one registration, in saga order.
const (
	TypeRequested     Type = "requested"
	TypeTokenVerified Type = "token-verified"
	TypeCodeChecked   Type = "code-checked"
	TypeEncrypted     Type = "encrypted"
	TypeCreated       Type = "created" // the pivot: from here the saga only goes forward
	TypeCompleted     Type = "completed"
	TypeFailed        Type = "failed"
)

// Terminal reports whether t ends a saga.
func (t Type) Terminal() bool { return t == TypeCompleted || t == TypeFailed }

// Body is the JSON body of an event.
type Body interface {
	// EventType says which event the body belongs to.
	EventType() Type
	// UserID returns the Id of the user whose registration it is.
	UserID() string
}

// Requested asks for a registration. An upstream service publishes it, with
// either Phone and Password in clear or both in Sealed. Use [DecodeRequested]
// to read one: it comes from outside and may hold anything.
type Requested struct {
	ID       string  `json:"Id"`
	Token    string  `json:"Token"`
	Code     string  `json:"Code"`
	Phone    string  `json:"Phone,omitempty"`
	Password string  `json:"Password,omitempty"`
	Sealed   *Sealed `json:"Sealed,omitempty"`
	Username string  `json:"Username"`
	Image    Image   `json:"Image"`
}

// TokenVerified says that the token is the user's. It is the first event of
// most histories; from here on the credentials are sealed.
type TokenVerified struct {
	ID       string `json:"id"`
	Code     string `json:"code"`
	Sealed   Sealed `json:"sealed"`
	Username string `json:"username"`
	Image    Image  `json:"image"`
}

// CodeChecked says that the code is right and that this saga has claimed it.
type CodeChecked struct {
	ID       string `json:"id"`
	Sealed   Sealed `json:"sealed"`
	Username string `json:"username"`
	Image    Image  `json:"image"`
}

// Encrypted carries the credentials as the encryption service returned them.
type Encrypted struct {
	ID                string `json:"id"`
	EncryptedPhone    string `json:"encryptedPhone"`
	EncryptedPassword string `json:"encryptedPassword"`
	Username          string `json:"username"`
	Image             Image  `json:"image"`
}

// Created says that the user's row stands. It is the pivot: no failed event
// may follow it.
type Created struct {
	ID       string `json:"id"`
	Username string `json:"username"`
}

// Ended is the body of both terminal events, completed and failed.
type Ended struct {
	ID      string `json:"id"`
	Status  bool   `json:"status"` // true: completed, false: failed
	Code    Code   `json:"code"`
	Message string `json:"message"`
	Step    string `json:"step"`         // the step that ended the saga
	Of      string `json:"of,omitempty"` // the other saga, for duplicate_request
}

// NewEnded returns the terminal event that ends the saga of user id with code;
// step names who ended it.
func NewEnded(id, step string, code Code) Ended {
	return Ended{ID: id, Status: code == CodeCreated, Code: code, Message: code.Message(), Step: step}
}

// String says nothing, so that no log holds a secret.
func (Requested) String() string { return "request" }

// EventType implements [Body].
func (Requested) EventType() Type { return TypeRequested }

// EventType implements [Body].
func (TokenVerified) EventType() Type { return TypeTokenVerified }

// EventType implements [Body].
func (CodeChecked) EventType() Type { return TypeCodeChecked }

// EventType implements [Body].
func (Encrypted) EventType() Type { return TypeEncrypted }

// EventType implements [Body].
func (Created) EventType() Type { return TypeCreated }

// EventType implements [Body]: completed or failed, by Status.
func (e Ended) EventType() Type {
	if e.Status {
		return TypeCompleted
	}
	return TypeFailed
}

// UserID implements [Body].
func (r Requested) UserID() string { return r.ID }

// UserID implements [Body].
func (e TokenVerified) UserID() string { return e.ID }

// UserID implements [Body].
func (e CodeChecked) UserID() string { return e.ID }

// UserID implements [Body].
func (e Encrypted) UserID() string { return e.ID }

// UserID implements [Body].
func (e Created) UserID() string { return e.ID }

// UserID implements [Body].
func (e Ended) UserID() string { return e.ID }
