// The Socket.IO server of the surrounding system: it forwards each Profile to the
// room that it names.
//
//   node messages.js <port>
"use strict";

const { Server } = require("socket.io");

const io = new Server({ serveClient: false });
io.on("connection", (socket) => {
  socket.on("joinRoom", (room, joined) => {
    socket.join(room);
    joined?.();
  });
  socket.on("Profile", ({ Id, Message, Status }) => io.to(Id).emit("Profile_Response", { Message, Status }));
});
io.listen(Number(process.argv[2]));
io.httpServer.once("listening", () => console.log(JSON.stringify({ of: "messages", event: "listening", args: [] })));
process.stdin.on("end", () => process.exit(0)).resume(); // ends with whoever started it
