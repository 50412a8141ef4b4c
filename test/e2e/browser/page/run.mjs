// Drives the console in Chromium as a person would. The test that starts this
// script gives it one JSON object as its argument:
//
//   {"url", "token", "browser", "shots", "readOnlyURL"}
//
// It prints one JSON object a line, {"check": name, "error"?: text} for each
// check, or {"ask": "restart"}, upon which the test restarts everything and
// writes a line to the standard input.
import { mkdirSync } from "node:fs";
import readline from "node:readline";
import { chromium } from "playwright-core";

import { access } from "./access.mjs";
import { letters } from "./letters.mjs";
import { quality } from "./quality.mjs";
import { sagas } from "./sagas.mjs";
import { signup } from "./signup.mjs";
import { system } from "./system.mjs";
import { trouble } from "./trouble.mjs";

const config = JSON.parse(process.argv[2]);
mkdirSync(config.shots, { recursive: true });
const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const print = (line) => process.stdout.write(JSON.stringify(line) + "\n");

async function ask(what) {
  print({ ask: what });
  await answers.next();
}

const browser = await chromium.launch({
  executablePath: config.browser,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// Every page of the tests: nothing may go to another host, no script may fail.
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.strangers = [];
  page.failures = [];
  page.on("request", (r) => { if (!["127.0.0.1"].includes(new URL(r.url()).hostname) && !r.url().startsWith("data:")) page.strangers.push(r.url()); });
  page.on("pageerror", (e) => page.failures.push(e.message));
  page.on("console", (m) => { if (m.type() === "error" && /Content Security Policy|Uncaught/.test(m.text())) page.failures.push(m.text()); });
  return page;
}

async function login(page, url = config.url) {
  await page.goto(`${url}/login`);
  await page.getByLabel("Your name").fill("Grace");
  await page.getByLabel("Token").fill(config.token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { name: "Flow" }).waitFor();
}

async function check(name, options, run) {
  const page = await open(options);
  try {
    if (!options.stranger) await login(page);
    await run(page);
    if (page.strangers.length) throw new Error(`asked another host: ${page.strangers.join(", ")}`);
    if (page.failures.length) throw new Error(`a script failed: ${page.failures.join("; ")}`);
    print({ check: name });
  } catch (e) {
    await page.screenshot({ path: `${config.shots}/failed-${name.replaceAll(/[^a-z0-9]+/gi, "-")}.png` }).catch(() => {});
    print({ check: name, error: `${e.stack}\non ${page.url()}` });
  } finally {
    await page.context().close();
  }
}

const tools = {
  config, ask, check, login,
  shot: (page, name) => page.screenshot({ path: `${config.shots}/${name}.png` }),
};
for (const part of [access, signup, trouble, letters, sagas, system, quality]) await part(tools);
await browser.close();
process.exit(0);
