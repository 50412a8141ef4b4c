// Hears the outcomes of many users as their browsers would: one Socket.IO client
// for each request in a file, joined with the request's own token. It says
// "listening" when all have joined, "heard N" for each tenth of them, "all heard",
// and counts when its standard input ends:
//
//   node hear.mjs URL REQUESTS.ndjson
import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { io } = createRequire(process.cwd() + "/")("socket.io-client");
const [url, file] = process.argv.slice(2);
const requests = readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const heard = new Map(); // by Id: every Profile_Response
const joined = new Set(); // Ids

function count() {
  const all = [...heard.values()];
  const created = all.filter((answers) => answers[0].Status === true).length;
  // A repetition is of the same saga and says the same; anything else is a contradiction.
  const contradicted = all.filter((a) => a.some((b) => b.Saga !== a[0].Saga || b.Status !== a[0].Status)).length;
  const repeated = all.filter((answers) => answers.length > 1).length;
  console.log(`users ${requests.length}, heard ${heard.size}, created ${created}, contradicted ${contradicted}, repeated ${repeated}`);
  process.exit(created === requests.length && contradicted === 0 ? 0 : 1);
}

function listen({ Id, Token }) {
  const socket = io(url, { auth: { token: Token }, transports: ["websocket"], forceNew: true });
  socket.on("connect_error", (error) => console.error(`${Id}: ${error.message}`));
  socket.on("connect", () => socket.emit("joinRoom", `${Id}_Create_User`, (answer) => {
    if (answer.error) console.error(`${Id}: ${answer.error}`);
    if (joined.size < requests.length && joined.add(Id).size === requests.length) console.log("listening");
  }));
  socket.on("Profile_Response", (answer) => {
    heard.set(Id, [...(heard.get(Id) ?? []), answer]);
    if (heard.get(Id).length > 1) return;
    if (heard.size % Math.ceil(requests.length / 10) === 0) console.log(`heard ${heard.size}`);
    if (heard.size === requests.length) console.log("all heard");
  });
}

requests.forEach(listen);
createInterface({ input: process.stdin }).on("close", count);
