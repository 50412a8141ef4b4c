import assert from "node:assert/strict";
import { until } from "./words.mjs";

export async function system({ config, check, shot, ask }) {
  await check("the system page lists services, streams and consumers", {}, async (page) => {
    const services = ["code-checker", "console", "encryptor", "notifier", "token-verifier", "user-writer", "watchdog"];
    await until("the services", async () => {
      await page.goto(`${config.url}/system`);
      return page.locator("section", { hasText: "Services" }).first().locator("tbody th").allTextContents();
    }, (all) => JSON.stringify([...new Set(all)]) === JSON.stringify(services));
    const text = await page.locator("main").textContent();
    for (const name of ["USER_CREATE_EVENTS", "USER_CREATE_DLQ", "row-remover"]) assert.ok(text.includes(name), `${name} is missing`);
    assert.ok(!text.includes(config.token), "the token is shown");
    await shot(page, "system");
  });
  await check("pages connect again after a restart, and the session holds", {}, async (page) => {
    const note = page.locator("#connection");
    await page.locator("#plot-rates canvas").first().waitFor(); // the page's script has run
    await ask("stop");
    try {
      await note.getByText("Trying again").waitFor();
    } finally {
      await ask("start"); // the checks behind this one need it
    }
    await note.waitFor({ state: "hidden" });
    await page.getByRole("link", { name: "Sagas" }).click();
    await page.locator("tbody tr").first().waitFor(); // read anew from the event store
  });
}
