import assert from "node:assert/strict";
import { follow, mood, outcome, signUp, until, words } from "./words.mjs";

export async function sagas({ config, check, shot }) {
  await check("a registration is found by its Id, which never leaves the browser", {}, async (page) => {
    const asked = [];
    const id = await signUp(page, config.url);
    await outcome(page, words.created);
    page.on("request", (r) => asked.push(r.url() + (r.postData() ?? "")));
    await page.goto(`${config.url}/sagas`);
    await page.getByLabel(/^Id of the user/).fill(id);
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByText("Of one user:").waitFor();
    await until("the rows", async () => {
      await page.reload(); // the console may have heard of it after the person
      return page.locator("tbody tr").count();
    }, (n) => n === 1);
    assert.ok(!asked.some((a) => a.includes(id)), "the Id was sent");
    await follow(page.locator("tbody th a"));
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    await page.locator("summary").nth(1).click();
    const text = await page.locator("main").textContent();
    for (const secret of ["correct horse", "12345678"]) assert.ok(!text.includes(secret), "a secret is shown");
    assert.match(text, /"sealed": "\(hidden\)"/);
    assert.match(text, /ce-causationid/);
    await shot(page, "saga");
  });
  await check("a saga is found by its id, by its outcome, and not by another's", {}, async (page) => {
    await signUp(page, config.url, "code_incorrect");
    await outcome(page, words.code_incorrect);
    const saga = (await page.locator("#trail a").textContent()).split(" ").at(-1);
    await until("the saga", async () => {
      await page.goto(`${config.url}/sagas?saga=${saga}&outcome=code_incorrect`); // the console may have heard of it after the person
      return page.locator("tbody th").allTextContents();
    }, (all) => all.length === 1 && all[0] === saga);
    await page.goto(`${config.url}/sagas?outcome=code_incorrect`);
    assert.ok((await page.locator("tbody th").allTextContents()).includes(saga));
    await shot(page, "sagas");
    await page.goto(`${config.url}/sagas?outcome=created`);
    assert.ok(!(await page.locator("tbody th").allTextContents()).includes(saga));
    await page.goto(`${config.url}/sagas?saga=nobody`);
    await page.getByText("No saga matches").waitFor();
    await page.goto(`${config.url}/sagas?saga=${encodeURIComponent("*.>")}`);
    await page.getByRole("heading", { name: "That cannot be asked" }).waitFor();
  });
  await check("the page of a saga grows as it happens, and keeps what was opened", {}, async (page) => {
    await mood(page, config.url, "away");
    await signUp(page, config.url);
    await follow(page.getByRole("link", { name: /^Timeline of saga/ }));
    await until("the timeline", () => page.locator(".timeline h3").allTextContents(), (all) => all.at(-1) === "code-checked");
    await page.locator("summary").first().click();
    const back = await page.context().newPage();
    await mood(back, config.url, "well");
    await until("the timeline", () => page.locator(".timeline h3").allTextContents(), (all) => all.at(-1) === "completed");
    assert.equal(await page.locator("details[open]").count(), 1);
  });
  await check("the page of a saga misses nothing that happens while it opens", {}, async (page) => {
    await mood(page, config.url, "away");
    await signUp(page, config.url);
    const link = page.getByRole("link", { name: /^Timeline of saga/ });
    const address = await link.getAttribute("href");
    const other = await page.context().newPage();
    await page.route("**/steps", async (route) => {
      await mood(other, config.url, "well");
      await other.goto(config.url + address);
      await other.getByRole("heading", { name: "completed" }).waitFor();
      await route.continue();
    });
    await link.click();
    await until("the timeline", () => page.locator(".timeline h3").allTextContents(), (all) => all.at(-1) === "completed");
  });
  await check("a failed saga shows its compensations", {}, async (page) => {
    await signUp(page, config.url, "user_exists");
    await outcome(page, words.user_exists);
    await follow(page.getByRole("link", { name: /^Timeline of saga/ }));
    await page.getByRole("heading", { name: "Compensation" }).waitFor();
    await until("the compensations", async () => {
      await page.reload();
      return page.locator("dl.facts dd").allTextContents();
    }, (all) => all.filter((t) => t === "done").length === 2);
  });
}
