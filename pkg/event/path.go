package event

// Step is one row of the path: who handles which events, and what it appends
// when all goes well. The name is also that of the step's durable consumer.
type Step struct {
	Name     string
	Service  string
	Consumes []Type
	Appends  Type // empty: the step only acts, it appends nothing
}

// The names of the steps.
const (
	StepTokenVerifier = "token-verifier" //nolint:gosec // a name, no credential
	StepCodeChecker   = "code-checker"
	StepEncryptor     = "encryptor"
	StepUserWriter    = "user-writer"
	StepCodeDeleter   = "code-deleter"
	StepClaimReleaser = "claim-releaser"
	StepRowRemover    = "row-remover"
	StepNotifier      = "notifier"
	StepWatchdog      = "watchdog"
)

// Path returns the saga's steps in order: the forward path, then the
// compensations, then who only listens. Every step before the pivot may append
// failed instead of what stands here.
func Path() []Step {
	return []Step{
		{StepTokenVerifier, "token-verifier", []Type{TypeRequested}, TypeTokenVerified},
		{StepCodeChecker, "code-checker", []Type{TypeTokenVerified}, TypeCodeChecked},
		{StepEncryptor, "encryptor", []Type{TypeCodeChecked}, TypeEncrypted},
		{StepUserWriter, "user-writer", []Type{TypeEncrypted}, TypeCreated},
		{StepCodeDeleter, "code-checker", []Type{TypeCreated}, TypeCompleted},
		{StepClaimReleaser, "code-checker", []Type{TypeFailed}, ""},
		{StepRowRemover, "user-writer", []Type{TypeFailed}, ""},
		{StepNotifier, "notifier", []Type{TypeCompleted, TypeFailed}, ""},
	}
}

// Types returns every event type in saga order.
func Types() []Type {
	return []Type{
		TypeRequested, TypeTokenVerified, TypeCodeChecked, TypeEncrypted,
		TypeCreated, TypeCompleted, TypeFailed,
	}
}

// BeforePivot reports whether a saga whose last event is t may still fail.
func (t Type) BeforePivot() bool {
	switch t {
	case TypeRequested, TypeTokenVerified, TypeCodeChecked, TypeEncrypted:
		return true
	default:
		return false
	}
}
