// Package relay sends events to an existing Socket.IO 4 server, as its client
// (protocol 5 over Engine.IO 4, by websocket), and knows what arrived.
//
// # What arrived
//
// A write into a dead TCP connection succeeds. So [Client.Emit] returns nil only
// when the server has shown that it has the event:
//
//   - by its acknowledgement, if it gives any: from the first one on, a connection
//     takes nothing else for proof, and false says that nobody hears the event
//     ([ErrNotHeard]); otherwise
//   - by its answers to two websocket pings, sent one after the other behind the
//     event. A server answers in order: the first answer says that it has read the
//     event, the second that its handlers have run since. One ping serves all events
//     that wait.
//
// # What happens twice
//
// An event whose connection ended before that proof is sent again on the next one,
// so the server may get it twice after a crash of either side. While a connection
// lives, Emit with the same key does not send again: it waits on. Only an event that
// arrived and was not acknowledged, by a server that acknowledges others, is, and one
// that nobody hears.
//
// # What happens when the server is away
//
// [Client.Run] tries again without end, and Emit fails at once with
// [ErrUnavailable]. When the server is back, its own clients need time to come back,
// too, and what is emitted to an empty room nobody hears: so Emit goes on failing for
// [Options.Settle], also after the very first connection. That is a guess, and all
// that can be known of a server that does not say whether a room is empty.
package relay
