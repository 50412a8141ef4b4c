// Drives socket.io-client for the Go tests: one JSON command a line on stdin, one
// JSON event a line on stdout. Ends when stdin does.
//
//   {"do": "open", "client": "a", "url": "…", "options": {…}}
//   {"do": "emit", "client": "a", "event": "joinRoom", "args": […], "ack": true}
//   {"do": "close", "client": "a"}
//   {"do": "closeAll"}
//
// In args, {"$": "<JavaScript>"} stands for what JSON cannot say.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const clients = new Map();

const tell = (client, event, data = null) =>
  process.stdout.write(JSON.stringify({ client, event, data }) + "\n");

const value = (arg) =>
  arg !== null && typeof arg === "object" && "$" in arg ? new Function(`return (${arg.$})`)() : arg;

const commands = {
  open({ client, url, options }) {
    const socket = io(url, { forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 200, ...options });
    clients.set(client, socket);
    socket.on("connect", () => tell(client, "connect", socket.io.engine.transport.name));
    socket.on("connect_error", (error) => tell(client, "connect_error", error.message));
    socket.on("disconnect", (reason) => tell(client, "disconnect", reason));
    socket.onAny((event, ...data) => tell(client, event, data));
    socket.io.on("ping", () => tell(client, "ping"));
    socket.io.on("open", () => {
      socket.io.engine.on("upgrade", (transport) => tell(client, "upgrade", transport.name));
    });
  },
  emit({ client, event, args = [], ack = false }) {
    const answer = ack ? [(...data) => tell(client, "ack", data)] : [];
    clients.get(client).emit(event, ...args.map(value), ...answer);
  },
  close({ client }) {
    clients.get(client).disconnect();
  },
  closeAll() {
    for (const socket of clients.values()) socket.disconnect();
    clients.clear();
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    commands[command.do](command);
  })
  .on("close", () => process.exit(0));
