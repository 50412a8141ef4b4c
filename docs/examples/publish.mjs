// Publishes one registration request with the npm package nats (npm install nats).
//
//   NATS_URL=nats://127.0.0.1:4222 node publish.mjs <key> '{"Id": …, "Token": …, …}'
//
// The key is the idempotency key: publish the same again, after an error too, and it
// is one registration.
import { connect, headers } from "nats";

const [key, request] = process.argv.slice(2);
if (!request) {
  console.error(`usage: publish.mjs <key> '{"Id": …, "Token": …, …}'`);
  process.exit(1);
}
const connection = await connect({ servers: process.env.NATS_URL ?? "nats://127.0.0.1:4222" });
const header = headers();
header.set("Nats-Msg-Id", key);
const ack = await connection.jetstream().publish("user.create.requested", request, { headers: header });
console.log(ack.duplicate ? "stored before" : "stored", "as", ack.seq);
await connection.drain();
