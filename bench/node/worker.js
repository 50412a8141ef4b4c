// The job that Create User replaces, written anew for comparison: one Bull job
// does it all. It verifies the token, compares the code, has phone and password
// encrypted, inserts the user, deletes the code, and emits the outcome.
//
//   {"op": "start", "concurrency": 5, "redis": {"host", "port"}, "mysql": {...}, "soap": "...", "rooms": "...", "secret": "..."}
//   {"started": true}
"use strict";

const http = require("node:http");
const Queue = require("bull");
const jwt = require("jsonwebtoken");
const mysql = require("mysql2/promise");
const redis = require("redis");
const { io } = require("socket.io-client");
const { say, onLine } = require("./lines");

const INSERT = "INSERT INTO Users (Id, Phone, Password, Name, Image) VALUES (?, ?, ?, ?, ?)";

// Refused says that the registration is at fault, and what its user hears.
class Refused extends Error {}

const escape = (text) => text.replace(/[<>&'"]/g, (c) => `&#${c.charCodeAt(0)};`);

function envelope(phone, password) {
  return '<?xml version="1.0" encoding="utf-8"?>' +
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>' +
    '<EncryptRequest xmlns="http://encrypt.com/">' +
    `<phone>${escape(phone)}</phone><password>${escape(password)}</password>` +
    "</EncryptRequest></soap:Body></soap:Envelope>";
}

function post(url, agent, body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "text/xml; charset=utf-8", SOAPAction: '""', "Content-Length": Buffer.byteLength(body) };
    const request = http.request(url, { method: "POST", agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve(text));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function element(text, name) {
  const found = new RegExp(`<(?:\\w+:)?${name}>([^<]*)</`).exec(text);
  if (!found) throw new Refused("Error encrypting your credentials. Please try again.");
  return found[1];
}

async function encrypt({ url, agent }, phone, password) {
  const answer = await post(url, agent, envelope(phone, password));
  return [element(answer, "EncryptedPhone"), element(answer, "EncryptedPassword")];
}

function verify(token, secret, id) {
  try {
    if (jwt.verify(token, secret, { algorithms: ["HS256"] }).Id === id) return;
  } catch {
    // told below
  }
  throw new Refused("Session expired. Please log in again.");
}

async function create(parts, { Id, Token, Code, Phone, Password, Username, Image }) {
  verify(Token, parts.secret, Id);
  if ((await parts.codes.get(Id)) !== Code) throw new Refused("The verification code is incorrect");
  const [phone, password] = await encrypt(parts.soap, Phone, Password);
  try {
    await parts.users.execute(INSERT, [Id, phone, password, Username, Image]);
  } catch (error) {
    if (error.code === "ER_DUP_ENTRY") throw new Refused("User already exists");
    throw error;
  }
  await parts.codes.del(Id);
}

async function work(parts, { data }) {
  let outcome = { Status: true, Message: "User created successfully" };
  try {
    await create(parts, data);
  } catch (error) {
    outcome = { Status: false, Message: error instanceof Refused ? error.message : "Error processing job" };
    if (!(error instanceof Refused)) console.error(error);
  }
  parts.rooms.emit("Profile", { Id: `${data.Id}_Create_User`, ...outcome });
}

async function start({ concurrency, redis: address, mysql: database, soap, rooms, secret }) {
  const parts = {
    secret,
    soap: { url: soap, agent: new http.Agent({ keepAlive: true, maxSockets: concurrency }) },
    users: mysql.createPool({ ...database, connectionLimit: Math.min(Math.max(10, concurrency), 50) }),
    codes: redis.createClient({ socket: address }),
    rooms: io(rooms, { transports: ["websocket"] }),
  };
  await parts.codes.connect();
  await new Promise((resolve, reject) => parts.rooms.once("connect", resolve).once("connect_error", reject));
  const queue = new Queue("Create_User", { redis: address });
  await queue.isReady();
  queue.process(concurrency, (job) => work(parts, job));
  say({ started: true });
}

onLine({ start });
