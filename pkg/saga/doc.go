// Package saga runs one step of a choreographed saga: take, decode, handle,
// append, ack.
//
// A [Step] is a value: a name, the event it handles, the event it appends, and
// a handler. [Run] connects it to its durable consumer. What the handler
// returns is the whole policy:
//
//	the next event          append it, ack
//	[Reject]                append failed with the rejection's code, ack
//	[Poison]                keep the message as a dead letter
//	[Unavailable]           a dependency is away: hold the event, hardly take more
//	any other error         redeliver with backoff, up to the delivery limit
//
// # What happens twice
//
// A message may be delivered any number of times. Effects are idempotent by
// saga, and an append states the sequence of the event it follows, so a second
// append of the same step is refused by the store. The runner reads the saga's
// last event then: a later one means that the work is done.
//
// # What happens at once
//
// Any number of runners share one consumer, and the deadline may end a saga
// while a step works on it. Both append behind the same sequence: one wins. The
// loser finds failed, runs its step's Undo, and acks.
//
// # What happens on a crash
//
// Effect, append, ack, in that order. A crash before the ack costs a repeat,
// never a loss; the repeat finds its effect done (idempotence) or its append
// stored (linear history). A message whose handler kills the process each time
// is dead-lettered before it is handled once more, when it has been delivered
// more often than the limit allows.
//
// On a stop the runner takes nothing more, finishes what it has in hand, and
// gives back what it cannot finish.
package saga
