// The Socket.IO server of the surrounding system: it forwards each Profile to the
// room that it names.
//
//   node messages.js <port> [ack]
//   out: {"of": "messages", "event": "listening", "args": []}
//   out: {"of": "messages", "event": "told", "args": ["<room>", "<who told it>", <how many hear it>]}
//
// With "ack" it acknowledges each Profile with whether anybody hears it.
"use strict";

const { writeSync } = require("node:fs");
const { Server } = require("socket.io");

const [port, ack] = process.argv.slice(2);
const io = new Server({ serveClient: false });

function say(event, ...args) {
  writeSync(1, JSON.stringify({ of: "messages", event, args }) + "\n"); // at once: it may be killed next
}

io.on("connection", (socket) => {
  socket.on("joinRoom", (room, joined) => {
    socket.join(room);
    joined?.();
  });
  socket.on("Profile", async ({ Id, Message, Status }, acknowledge) => {
    const listeners = ack === "ack" ? (await io.in(Id).fetchSockets()).length : io.of("/").adapter.rooms.get(Id)?.size ?? 0;
    say("told", Id, socket.id, listeners);
    io.to(Id).emit("Profile_Response", { Message, Status });
    if (ack === "ack") acknowledge(listeners > 0);
  });
});
io.listen(Number(port));
io.httpServer.once("listening", () => say("listening"));
process.stdin.on("end", () => process.exit(0)).resume(); // ends with whoever started it
