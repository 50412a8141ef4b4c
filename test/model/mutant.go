package model

// Mutant is one rule of the design, broken on purpose. It breaks the model, never
// the product: it shows that the invariants would notice.
type Mutant string

// The mutants, by the rule of DESIGN §5 that each breaks. The last two break what
// the user hears, §2.
const (
	Sound Mutant = "" // nothing is broken

	AppendBlind      Mutant = "1: append without an expectation"
	AppendBehindLast Mutant = "1: append behind whatever is last, not behind the event handled"
	AckBeforeAppend  Mutant = "2: ack before the append"
	EffectAfter      Mutant = "2: append before the effect"
	InsertRepeats    Mutant = "2: a repeated insert does not know its own row"
	ClaimRepeats     Mutant = "2: a repeated claim does not know its own claim"
	LostIsStored     Mutant = "3: an append without an answer is taken for stored"
	LostIsFailure    Mutant = "3: an append without an answer is given up"
	NoUndo           Mutant = "3: an append lost to failed is not undone"
	FailPastPivot    Mutant = "4: the deadline fails a saga past its pivot"
	NoRelease        Mutant = "5: failed releases no claim"
	NoRemoval        Mutant = "5: failed removes no row"
	NoTombstone      Mutant = "5: a removal leaves no tombstone"
	RemoveByID       Mutant = "5: a compensation removes whatever row the Id has"
	ExistsBlind      Mutant = "5: the row of a saga that has failed counts as a user"
	RetryBlocks      Mutant = "6: a retry keeps its place while it waits"
	NoDeadline       Mutant = "7: the watchdog ignores deadlines"
	WatchdogBlind    Mutant = "7: the watchdog appends behind whatever is last"
	LetterDropped    Mutant = "8: what cannot be handled is not kept"
	LetterNotEnded   Mutant = "8: a dead letter does not end its saga"
	NoLimit          Mutant = "8: a message that kills its process comes for ever"
	ReplayInPlace    Mutant = "8: a replay goes on in the saga that has failed"
	ReplayCompleted  Mutant = "8: a replay does not look whether its saga has completed meanwhile"
	InboxDropsOld    Mutant = "9: a full inbox drops its oldest request"
	StoreDropsOld    Mutant = "9: a full event store drops its oldest event"
	RefusalUnseen    Mutant = "9: a publisher takes a refusal for an acknowledgement"

	DuplicateHeard  Mutant = "the room hears that a registration is a duplicate"
	ContradictHeard Mutant = "the room hears a failure after the success"
)

// Mutants returns every mutant, and for each the rules of which at least one must
// be found broken: those of the invariants package, and those of this one.
func Mutants() map[Mutant][]string {
	return map[Mutant][]string{
		AppendBlind:      {"order", "ended"},
		AppendBehindLast: {"order"},
		AckBeforeAppend:  {"ended"},
		EffectAfter:      {"row"},
		InsertRepeats:    {"exists", "row"},
		ClaimRepeats:     {"duplicate"},
		LostIsStored:     {"ended"},
		LostIsFailure:    {"outcome", "kept"},
		NoUndo:           {"claim"},
		FailPastPivot:    {"order"},
		NoRelease:        {"claim"},
		NoRemoval:        {"row"},
		NoTombstone:      {"row", "written twice"},
		RemoveByID:       {"row", "foreign row"},
		ExistsBlind:      {"exists"},
		RetryBlocks:      {"blocked"},
		NoDeadline:       {"deadline"},
		WatchdogBlind:    {"order", "ended"},
		LetterDropped:    {"kept"},
		LetterNotEnded:   {"progress"},
		NoLimit:          {"progress"},
		ReplayInPlace:    {"ended"},
		ReplayCompleted:  {"once"},
		InboxDropsOld:    {"ended"},
		StoreDropsOld:    {"order", "ended", "row"},
		RefusalUnseen:    {"ended"},
		DuplicateHeard:   {"heard"},
		ContradictHeard:  {"heard"},
	}
}
