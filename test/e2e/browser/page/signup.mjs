import assert from "node:assert/strict";
import { outcome, signUp, until, words } from "./words.mjs";

export async function signup({ config, check, shot }) {
  await check("a person signs up and hears of it, step by step", {}, async (page) => {
    await signUp(page, config.url);
    await outcome(page, words.created);
    await until("lights", () => page.locator("#lights .on").allTextContents(), (on) => on.length === 6);
    await shot(page, "signup");
    await page.getByRole("link", { name: /^Timeline of saga/ }).click();
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
      await page.getByRole("link", { name: /^Timeline of saga/ }).click();
      assert.equal(await page.locator(".facts .mark").first().textContent(), want);
    });
  }
  await check("of a duplicate the first one's outcome is heard, and nothing else", {}, async (page) => {
    await signUp(page, config.url, "duplicate_request");
    await until("outcome", () => page.locator("#outcome").textContent(),
      (t) => t === `${words.created} (the outcome of the registration that this one duplicates)`);
    await page.getByRole("link", { name: /^Timeline of saga/ }).click();
    await page.getByText("it duplicates").waitFor();
  });
}
