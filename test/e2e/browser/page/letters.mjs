import assert from "node:assert/strict";
import { follow, mood, outcome, signUp, until, words } from "./words.mjs";

const bury = async (page, config, id) => {
  await signUp(page, config.url, "created", id);
  await outcome(page, words.processing_error);
};

export async function letters({ config, check, shot }) {
  await check("a dead letter is shown, replayed, and completes", {}, async (page) => {
    await mood(page, config.url, "nonsense");
    await bury(page, config, "buried-in-a-page");
    await mood(page, config.url, "well");
    await page.goto(`${config.url}/letters?step=encryptor&reason=delivery_limit`);
    const row = page.locator("tbody tr").first();
    await row.getByText("unusable answer").waitFor();
    await shot(page, "letters");
    await follow(row.locator("th a"));
    await page.getByRole("heading", { name: /^Dead letter \d+$/ }).waitFor();
    const message = await page.locator("main").textContent();
    assert.match(message, /"sealed": "\(hidden\)"/);
    assert.match(message, /"id": "buried-in-a-page"/);
    await shot(page, "letter");
    await page.getByRole("button", { name: "Replay…" }).click();
    await page.getByRole("heading", { name: "Replay 1 dead letter?" }).waitFor();
    await page.getByText(/will begin again at encryptor as saga .*-r1/).waitFor();
    await shot(page, "confirm");
    await page.getByRole("button", { name: "Replay", exact: true }).click();
    await page.getByRole("heading", { name: "1 of 1 replayed" }).waitFor();
    await follow(page.getByRole("link", { name: /-r1$/ }));
    await until("the saga", () => page.locator(".timeline h3").allTextContents(), (all) => all.at(-1) === "completed");
    await page.getByText("(this one)").waitFor();
    await page.getByRole("link", { name: /\.code-checked$/ }).first().waitFor(); // its cause, in the first attempt
    await page.goto(`${config.url}/letters`);
    await page.locator("section", { hasText: "Who did what" }).getByText("Grace").first().waitFor();
    await page.getByText(/begun again as .*-r1/).waitFor();
  });
  await check("many are discarded together, and it says so first", {}, async (page) => {
    await mood(page, config.url, "nonsense");
    await bury(page, config, "discard-1");
    await bury(page, config, "discard-2");
    await mood(page, config.url, "well");
    await page.goto(`${config.url}/letters`);
    const before = await page.locator("tbody input").count();
    await page.getByLabel("choose all").check();
    await page.getByRole("button", { name: "Discard the chosen…" }).click();
    await page.getByRole("heading", { name: `Discard ${before} dead letters?` }).waitFor();
    await follow(page.getByRole("link", { name: "Do nothing" }));
    assert.equal(await page.locator("tbody input").count(), before);
    await page.getByLabel("choose all").check();
    await page.getByRole("button", { name: "Discard the chosen…" }).click();
    await page.getByRole("button", { name: "Discard for good" }).click();
    await page.getByRole("heading", { name: `${before} of ${before} discarded` }).waitFor();
    await page.getByRole("link", { name: "Back to the dead letters" }).click();
    await page.getByText("There is no dead letter.").waitFor();
  });
  await check("choosing none is told in words", {}, async (page) => {
    await mood(page, config.url, "nonsense");
    await bury(page, config, "none-chosen");
    await mood(page, config.url, "well");
    await page.goto(`${config.url}/letters`);
    await page.getByRole("button", { name: "Replay the chosen…" }).click();
    await page.getByRole("alert").filter({ hasText: "choose 1 to" }).waitFor();
    await page.goto(`${config.url}/letters/999999`);
    await page.getByRole("heading", { name: "Not found" }).waitFor();
  });
}
