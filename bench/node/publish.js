// Adds jobs to the queue of Bull, as the upstream service does.
//
//   {"op": "start", "redis": {"host", "port"}}             {"started": true}
//   {"op": "jobs", "image": "...", "jobs": [{...}, ...]}   {"jobs": 500}, how many there are by now
//   {"op": "publish", "rate": 0}                           {"published": {"<Id>": ns}}, when all are added
"use strict";

const Queue = require("bull");
const { say, onLine } = require("./lines");

const OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true };
const BULK = 50; // jobs that are added together when they are added as fast as can be
const BULKS = 4; // such groups at once

let queue;
const all = [];
const published = {};

const now = () => Number(process.hrtime.bigint());

async function start({ redis }) {
  queue = new Queue("Create_User", { redis });
  await queue.isReady();
  say({ started: true });
}

function jobs({ image, jobs: more }) {
  for (const data of more) {
    data.Image = image;
    all.push({ data, opts: OPTIONS });
  }
  say({ jobs: all.length });
}

async function fast() {
  let next = 0;
  const add = async () => {
    while (next < all.length) {
      const some = all.slice(next, next + BULK);
      next += some.length;
      const at = now();
      for (const { data } of some) published[data.Id] = at;
      await queue.addBulk(some);
    }
  };
  await Promise.all(Array.from({ length: BULKS }, add));
}

// steady adds each job when its time has come, however long those before it take.
async function steady(rate) {
  const begun = now();
  const adding = [];
  for (const [i, { data, opts }] of all.entries()) {
    const wait = i / rate * 1000 - (now() - begun) / 1e6;
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    published[data.Id] = now();
    adding.push(queue.add(data, opts));
  }
  await Promise.all(adding);
}

async function publish({ rate }) {
  await (rate > 0 ? steady(rate) : fast());
  say({ published });
}

onLine({ start, jobs, publish });
