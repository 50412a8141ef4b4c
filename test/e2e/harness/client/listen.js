// Joins rooms as told on standard input and prints what happens, one JSON
// object a line each way:
//
//   in:  {"op": "join", "id": "...", "token": "...", "transports": ["websocket"]}
//   in:  {"op": "leave", "id": "..."}
//   out: {"id": "...", "event": "joined" | "refused" | "outcome", "data": ...}
"use strict";

const { io } = require("socket.io-client");
const readline = require("node:readline");

const url = process.argv[2];
const sockets = new Map();

function say(id, event, data) {
  process.stdout.write(JSON.stringify({ id, event, data }) + "\n");
}

function join({ id, token, transports }) {
  const socket = io(url, { auth: { token }, transports, forceNew: true });
  sockets.set(id, socket);
  socket.on("Profile_Response", (data) => say(id, "outcome", data));
  socket.on("connect", () =>
    socket.emit("joinRoom", `${id}_Create_User`, (answer) =>
      say(id, answer.error ? "refused" : "joined", answer)));
}

function leave({ id }) {
  sockets.get(id)?.close();
  sockets.delete(id);
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const command = JSON.parse(line);
  ({ join, leave })[command.op](command);
});
lines.on("close", () => process.exit(0));
