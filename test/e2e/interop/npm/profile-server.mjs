// The messages server that is there already: a socket.io server that forwards each
// Profile to the room that it names, as the one of the replaced service does.
//
//   node profile-server.mjs <port> [ack]
//
// It prints "listening", and then what it is given, as one JSON object a line. With
// "ack" it acknowledges what somebody in the room can hear, and nothing else.
import { writeSync } from "node:fs";
import { Server } from "socket.io";

const [port, ack] = process.argv.slice(2);
const say = (line) => writeSync(1, line + "\n"); // at once: it may be killed next
const io = new Server({ serveClient: false });

io.on("connection", (socket) => {
  socket.on("joinRoom", (room, joined) => {
    socket.join(room);
    joined?.();
  });
  socket.on("Profile", (profile, acknowledge) => {
    const { Id, Message, Status } = profile; // throws without a payload: the server ends
    const listeners = io.sockets.adapter.rooms.get(Id)?.size ?? 0;
    say(JSON.stringify({ Id, Message, Status, listeners }));
    io.to(Id).emit("Profile_Response", { Message, Status });
    if (ack === "ack" && listeners > 0) acknowledge();
  });
});
io.listen(Number(port));
io.httpServer.once("listening", () => say("listening"));
