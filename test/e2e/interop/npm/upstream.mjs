// The upstream service as it is in JavaScript: it writes the code with redis, signs the
// token with jsonwebtoken, and publishes the request with nats, without any header.
//
//   node upstream.mjs '{"nats": url, "redis": url, "secret": …}' '{"Id": …, "Code": …, …}'...
//
// It prints JetStream's acknowledgement of each request.
import jwt from "jsonwebtoken";
import { connect, JSONCodec } from "nats";
import { createClient } from "redis";

const { nats, redis, secret } = JSON.parse(process.argv[2]);
const codes = await createClient({ url: redis }).connect();
const connection = await connect({ servers: nats });
for (const argument of process.argv.slice(3)) {
  const request = JSON.parse(argument);
  await codes.set(request.Id, request.Code, { EX: 600 });
  const Token = jwt.sign({ Id: request.Id }, secret, { expiresIn: "10m" });
  const ack = await connection.jetstream().publish("user.create.requested", JSONCodec().encode({ ...request, Token }));
  console.log(JSON.stringify({ stream: ack.stream, seq: ack.seq, duplicate: ack.duplicate }));
}
await connection.drain();
codes.destroy();
