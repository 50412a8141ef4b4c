// Package rooms tells users outcomes over Socket.IO: a client joins the room of
// its Id and hears every message that is emitted to it. It serves Socket.IO 4
// clients (protocol 5 over Engine.IO 4), by websocket, by polling, and by the move
// from one to the other.
//
// # What a client does
//
//	const socket = io(url, { auth: { token } })
//	socket.on("Profile_Response", ({ Message, Status, Code, Saga }) => …)
//	socket.on("connect", () => socket.emit("joinRoom", `${id}_Create_User`, answer => …))
//
// joinRoom takes the room's name; further arguments are ignored. Its acknowledgement
// is {joined: true} or {error}. A client that asks for none hears of an error by the
// event joinRoom_error {error}. An error leaves the connection as it is.
//
// A room belongs to one user, so the token is judged when a room is joined and for
// that room: a client without a token, or with a wrong one, may connect, but hears
// nothing.
//
// # What happens twice
//
//   - A message of a saga that a client has heard is not sent to it again, so a
//     redelivered event may be emitted again. A client remembers its last 32 sagas.
//   - A second joinRoom for the same room is acknowledged and does nothing else.
//   - A client that reconnects is a new client, and hears the last outcome again:
//     the server cannot know what arrived. The Saga tells repeats apart.
//
// # What happens concurrently
//
//   - A client first becomes a member and then reads the last outcome. So an outcome
//     that is stored before it is emitted is heard by either way, and by the saga
//     once. An outcome that was read before a newer one was emitted is read again, so
//     that the older is never heard last.
//   - Joins, leaves and emits meet under one mutex, in the registry: a join cannot be
//     lost to another client's leaving, and one that comes after its own client has
//     gone does nothing.
//   - Emit never waits for a client. One that does not read what it is sent is
//     disconnected when its queue is full; it reconnects and hears the last outcome.
//
// # What happens on a crash or a stop
//
// Nothing is kept here. Clients reconnect to any notifier by themselves, join again
// and hear the last outcome. [Server.Close] first delivers what was emitted.
//
// # Who waits for whom
//
// A joinRoom is served by a goroutine of its own, which ends with its client. A few of
// these read the last outcomes for all who have joined, so that one who waits for
// that has none. [Server.Close] waits for all of them, and for those of the transport.
//
// Behind a load balancer, clients that poll need sticky sessions, as with any
// Socket.IO server; clients that use only websockets do not.
package rooms
