import assert from "node:assert/strict";
import { follow, outcome, signUp, until, words } from "./words.mjs";

export async function signup({ config, check, shot }) {
  await check("a person signs up and hears of it, step by step", {}, async (page) => {
    await signUp(page, config.url);
    await outcome(page, words.created);
    await until("lights", () => page.locator("#lights .on").allTextContents(), (on) => on.length === 6);
    await shot(page, "signup");
    await follow(page.getByRole("link", { name: /^Timeline of saga/ }));
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
    assert.deepEqual(await page.locator(".timeline h3").allTextContents(),
      ["token-verified", "code-checked", "encrypted", "created", "completed"]);
  });
  for (const [want, text] of Object.entries(words)) {
    if (want === "created") continue;
    await check(`${want} can be provoked`, {}, async (page) => {
      await signUp(page, config.url, want);
      await outcome(page, text);
      await until("lights", () => page.locator("#lights .off").allTextContents(), (off) => off.length === 1);
      await follow(page.getByRole("link", { name: /^Timeline of saga/ }));
      assert.equal(await page.locator(".facts .mark").first().textContent(), want);
    });
  }
  await check("of a duplicate the first one's outcome is heard, and nothing else", {}, async (page) => {
    await signUp(page, config.url, "duplicate_request");
    await until("outcome", () => page.locator("#outcome").textContent(),
      (t) => t === `${words.created} (the outcome of the registration that this one duplicates)`);
    await follow(page.getByRole("link", { name: /^Timeline of saga/ }));
    await page.getByText("it duplicates").waitFor();
  });
}
