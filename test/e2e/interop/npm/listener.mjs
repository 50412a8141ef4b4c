// Browsers in the rooms of users, each with a connection of its own.
//
//   node listener.mjs <url> <id>...
//
// It prints {"joined": id} whenever one is in its room, also again after a
// reconnection, and {"id", "Message", "Status"} for what it hears.
import { io } from "socket.io-client";

const [url, ...ids] = process.argv.slice(2);
for (const id of ids) {
  const socket = io(url, { forceNew: true, transports: ["websocket"], reconnectionDelay: 50, reconnectionDelayMax: 200 });
  socket.on("connect", () => socket.emit("joinRoom", `${id}_Create_User`, () => console.log(JSON.stringify({ joined: id }))));
  socket.on("Profile_Response", (heard) => console.log(JSON.stringify({ id, ...heard })));
}
process.stdin.on("end", () => process.exit(0)).resume(); // ends with whoever started it
