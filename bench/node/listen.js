// Listens for outcomes as the users' browsers do, and remembers when each came.
// It is told on standard input and answers on standard output, in JSON, one
// value a line:
//
//   {"op": "join", "url": "...", "ids": [...], "rooms": 8}   {"joined": 20000}, once all are in their rooms
//   {"op": "watch", "total": 20000}                          {"heard": 512}, again and again until it is the total
//   {"op": "report"}                                         {"outcomes": {"<saga>": [{"at": ns, ...}]}}
"use strict";

const { io } = require("socket.io-client");
const { say, onLine } = require("./lines");

const CONNECTING = 64; // clients that connect at once
const WATCH_MS = 100;

const outcomes = new Map(); // by saga
let told = 0;

function hear({ Message, Status, Code, Saga }) {
  const at = Number(process.hrtime.bigint());
  const heard = { at, Message, Status, Code, Saga };
  const before = outcomes.get(Saga);
  if (before) before.push(heard);
  else outcomes.set(Saga, [heard]);
}

// client opens one client and puts it into the rooms of several users.
function client(url, ids) {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports: ["websocket"], forceNew: true, reconnection: false });
    socket.on("Profile_Response", hear);
    socket.on("connect_error", reject);
    socket.on("disconnect", (reason) => {
      console.error("a client was disconnected:", reason);
      process.exit(1);
    });
    socket.on("connect", () => {
      const joins = ids.map((id) => socket.emitWithAck("joinRoom", `${id}_Create_User`));
      Promise.all(joins).then((answers) => {
        const refused = answers.find((answer) => answer && answer.error);
        if (refused) reject(new Error(refused.error));
        else resolve();
      }, reject);
    });
  });
}

async function join({ url, ids, rooms }) {
  const groups = [];
  for (let i = 0; i < ids.length; i += rooms) groups.push(ids.slice(i, i + rooms));
  const work = async () => {
    for (let group = groups.pop(); group; group = groups.pop()) await client(url, group);
  };
  await Promise.all(Array.from({ length: CONNECTING }, work));
  say({ joined: ids.length });
}

function watch({ total }) {
  const timer = setInterval(() => {
    if (outcomes.size === told && told < total) return;
    told = outcomes.size;
    say({ heard: told });
    if (told >= total) clearInterval(timer);
  }, WATCH_MS);
}

function report() {
  say({ outcomes: Object.fromEntries(outcomes) });
}

onLine({ join, watch, report });
