// Many users' browsers, each with a connection of its own to a Socket.IO server.
//
//   node browsers.js <url>
//   in:  {"n": 1, "of": "browsers", "op": "join", "args": ["<id>", …]}
//   out: {"of": "browsers", "event": "joined", "args": ["<id>"]}, each time one is in its room
//   out: {"of": "browsers", "event": "heard", "args": ["<id>", {"Message": …, "Status": …}]}
"use strict";

const { io } = require("socket.io-client");
const readline = require("node:readline");

function say(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}

function join(id) {
  const socket = io(process.argv[2], { forceNew: true, transports: ["websocket"], reconnectionDelay: 100, reconnectionDelayMax: 1000 });
  const tell = (event, ...args) => say({ of: "browsers", event, args: [id, ...args] });
  socket.on("connect", () => socket.emit("joinRoom", `${id}_Create_User`, () => tell("joined")));
  socket.on("Profile_Response", (profile) => tell("heard", profile));
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { n, args } = JSON.parse(line);
  args.forEach(join);
  say({ n, value: null });
});
lines.on("close", () => process.exit(0));
