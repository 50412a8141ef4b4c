// Does with real Bull queues as told on standard input, and prints what comes of
// it, one JSON object a line each way:
//
//   in:  {"n": 1, "of": "a", "op": "open", "args": ["Create_User", {…}]}
//   in:  {"n": 2, "of": "a", "op": "add", "args": [{…}, {…}]}
//   out: {"n": 2, "value": …} | {"n": 2, "error": "…"}
//   out: {"of": "a", "event": "completed", "args": […]}
//
// An op is one of those below, or any method of a queue.
"use strict";

const Bull = require("bull");
const readline = require("node:readline");

require("node:events").defaultMaxListeners = 0; // each listener of Bull's adds some to its connection

const queues = new Map();

function say(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}

const events = [
  "waiting", "active", "completed", "failed", "stalled", "progress", "drained", "paused", "resumed", "removed",
];

const ops = {
  // open opens a queue by its name.
  async open(_, name, redis, options) {
    const queue = new Bull(name, redis, options);
    queue.on("error", (error) => say({ of: this.of, event: "error", args: [error.message] }));
    queues.set(this.of, queue);
    await queue.isReady();
    return null;
  },
  // listen reports every event of the queue, whoever causes it.
  async listen(queue) {
    for (const event of events)
      queue.on("global:" + event, (...args) => say({ of: this.of, event, args }));
    const channels = ["completed", "failed", "removed", "drained", "resumed"].map((name) => queue.toKey(name));
    for (;;) { // Bull does not say when it is subscribed
      const heard = await queue.client.pubsub("NUMSUB", ...channels);
      if (heard.every((n, i) => i % 2 === 0 || n > 0) && (await queue.client.pubsub("NUMPAT")) >= 3) return null;
      await new Promise(setImmediate);
    }
  },
  // work processes jobs: it returns a value, throws, or hangs.
  async work(queue, concurrency, does, value) {
    queue.process("*", concurrency, async (job) => {
      say({ of: this.of, event: "at work", args: [String(job.id)] });
      if (does === "throw") throw new Error(value);
      if (does === "hang") await new Promise(() => {});
      return value;
    }).catch(() => {});
    return null;
  },
  // job returns a job and its state, or null.
  async job(queue, id) {
    const job = await queue.getJob(id);
    if (!job) return null;
    return { ...job.toJSON(), state: await job.getState(), attempts: job.attemptsMade };
  },
  // of calls a method of a job.
  async of(queue, id, method, ...args) {
    return (await (await queue.getJob(id))[method](...args)) ?? null;
  },
  // ended returns what a dashboard shows of the jobs in a state: the latest, or all.
  async ended(queue, state, most = 0) {
    return (await queue.getJobs([state], 0, most - 1)).map((job) => ({ ...job.toJSON(), data: null, state }));
  },
  // addMany adds many jobs and returns their ids.
  async addMany(queue, jobs, options) {
    const ids = [];
    for (let i = 0; i < jobs.length; i += 100)
      ids.push(...(await queue.addBulk(jobs.slice(i, i + 100).map((data) => ({ data, opts: options })))).map((job) => job.id));
    return ids;
  },
};

async function obey({ n, of, op, args }) {
  try {
    const queue = queues.get(of);
    const value = ops[op] ? await ops[op].call({ of }, queue, ...args) : await queue[op](...args);
    say({ n, value: value ?? null });
  } catch (error) {
    say({ n, error: String(error.message ?? error) });
  }
}

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => obey(JSON.parse(line)));
lines.on("close", () => process.exit(0));
