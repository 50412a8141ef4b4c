// Package engineio serves Engine.IO protocol 4, the layer below Socket.IO: a
// session of text messages over a websocket or over HTTP long polling, and the
// move from the second to the first.
//
// It is small because it does only what a server of short messages needs: no
// compression, no binary messages towards the client, no older protocol. It is
// ours because no Go library bounds the memory of a session (the decision
// record docs/adr/0005-socket-io.md compares them).
//
// # What happens concurrently
//
//   - Any goroutine may call [Session.Send]. It never blocks: a packet is put into
//     the session's queue, and a session whose queue is full is closed.
//   - A receiver gets the messages of one session one at a time, in the order sent.
//   - A poll and the move to a websocket may meet: each packet leaves the queue
//     under the session's mutex, for exactly one of them, and a poll that finds the
//     session moved answers with an empty packet.
//
// # What happens at the end
//
// However a session ends, and however many reasons it has to end, its receiver
// is told once. [Server.Close] first lets each session deliver what is in its
// queue, and returns when every goroutine of the server has ended.
//
// # Who owns which goroutine
//
// The server owns them all, and [Server.Close] waits for them: one that sends
// heartbeats, and for each websocket one that waits for the client's next message.
// That one handles the message and leaves the next to a fresh one, since it is the
// size of a waiting goroutine's stack that counts. A websocket is written by a
// goroutine that is begun when something is queued and ends when the queue is empty.
// A session that polls has no goroutine of its own.
package engineio
