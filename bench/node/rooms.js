// The Socket.IO server that a Bull job emits its outcomes to: it tells the room.
//
//   {"op": "start"}   {"port": 12345}
"use strict";

const http = require("node:http");
const { Server } = require("socket.io");
const { say, onLine } = require("./lines");

const SUFFIX = "_Create_User";

function start() {
  const server = http.createServer();
  const io = new Server(server);
  io.on("connection", (socket) => {
    socket.on("joinRoom", (room, answer) => {
      socket.join(room);
      answer({ joined: true });
    });
    // Saga tells the listener, whose clients are in several rooms, whose outcome it is.
    socket.on("Profile", ({ Id, Status, Message }) =>
      io.to(Id).emit("Profile_Response", { Status, Message, Saga: Id.slice(0, -SUFFIX.length) }));
  });
  server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
}

onLine({ start });
