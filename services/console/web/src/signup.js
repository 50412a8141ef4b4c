// The sign-up page of development: a person, a browser, a real Socket.IO client.
import { io } from "socket.io-client";
import { live } from "./live.js";

const order = ["requested", "token-verified", "code-checked", "encrypted", "created", "completed"];
const element = (id) => document.getElementById(id);

// light shows how far a saga is. A failed one keeps what it had reached.
function light(reached, failed) {
  for (const li of element("lights").children) {
    const event = li.dataset.event;
    li.classList.toggle("on", order.indexOf(event) >= 0 && order.indexOf(event) <= reached);
    li.classList.toggle("off", event === "failed" && failed);
  }
}

function say(words, kind = "") {
  element("outcome").textContent = words;
  element("outcome").className = `outcome ${kind}`;
}

async function post(path, body) {
  const response = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const answer = await response.json().catch(() => ({ error: `the console answered ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// A visit is one press of a button: the room is joined first, as a real page does
// before it has its user registered.
class Visit {
  constructor(form, want) {
    this.form = form;
    this.want = want;
    this.heard = [];
    this.reached = 0;
  }

  async run() {
    const values = Object.fromEntries(["id", "username", "phone", "password"].map((name) => [name, this.form.elements[name].value]));
    light(-1, false);
    say("Joining the room…");
    const { token, room } = await post("/signup/token", values);
    await this.join(token, room);
    say("Publishing…");
    const { user, sagas } = await post("/signup/submit", { ...values, want: this.want });
    this.saga = sagas.at(-1);
    if (this.heard.length === 0) say("Published. Waiting for the outcome…");
    this.follow(user);
    this.show();
  }

  join(token, room) {
    return new Promise((done, fail) => {
      this.socket = io(this.form.dataset.socket, { auth: { token }, forceNew: true });
      this.socket.on("Profile_Response", (message) => { this.heard.push(message); this.show(); });
      this.socket.on("connect_error", (e) => fail(new Error(`Socket.IO: ${e.message}`)));
      this.socket.on("connect", () => this.socket.emit("joinRoom", room, ({ error }) =>
        (error ? fail(new Error(`The room cannot be joined: ${error}`)) : done())));
    });
  }

  follow(user) {
    light(0, false);
    const page = `/sagas/${user}/${this.saga}`;
    this.steps = live(`${page}/steps`, {
      steps: ({ last, code }) => {
        this.reached = Math.max(this.reached, order.indexOf(last));
        light(this.reached, last === "failed");
        this.code = code;
        this.show();
      },
    });
    const link = document.createElement("a");
    link.href = page;
    link.textContent = `Timeline of saga ${this.saga}`;
    element("trail").replaceChildren(link);
  }

  // show says what was heard of the saga; of a duplicate nothing is sent, and the
  // room heard the first one's outcome.
  show() {
    if (!this.saga) return;
    const mine = this.heard.find((m) => m.Saga === this.saga);
    const message = mine ?? (this.code === "duplicate_request" ? this.heard.at(-1) : undefined);
    if (!message) return;
    const of = mine ? "" : " (the outcome of the registration that this one duplicates)";
    say(`${message.Status ? "✓" : "✗"} ${message.Message}${of}`, message.Status ? "good" : "bad");
  }

  close() {
    this.socket?.close();
    this.steps?.close();
  }
}

const freshId = () => `ada-${Math.random().toString(36).slice(2, 8)}`;

const form = element("signup");
form.elements.id.value = freshId();
let visit;
form.addEventListener("submit", async (e) => {
  e.preventDefault();
  if (form.ariaBusy === "true") return; // the one before is still being published
  form.ariaBusy = "true";
  visit?.close();
  visit = new Visit(form, e.submitter?.value ?? "created");
  await visit.run().catch((err) => say(err.message, "bad"));
  form.ariaBusy = "false";
});
for (const button of form.querySelectorAll("button")) button.disabled = false; // one pressed before would send the form away
const moods = element("moods");
moods?.addEventListener("change", (e) => {
  fetch("/signup/encryption", { method: "POST", body: new URLSearchParams({ mood: e.target.value }) });
});
if (moods) moods.disabled = false;
