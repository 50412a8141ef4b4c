import { mood, outcome, signUp, until, words } from "./words.mjs";

export async function trouble({ config, check, shot }) {
  await check("the encryption service goes away: its step turns; it comes back: the step drains", {}, async (page) => {
    await mood(page, config.url, "away");
    await signUp(page, config.url);
    const flow = await page.context().newPage();
    await flow.goto(`${config.url}/`);
    const step = flow.locator('[data-step="encryptor"]');
    await until("the step's class", () => step.getAttribute("class"), (c) => c === "step stuck");
    await step.getByText(/events wait, the oldest for/).waitFor();
    await flow.locator("#plot-rates canvas").first().waitFor();
    await shot(flow, "flow-trouble");
    await flow.locator('[data-step="user-writer"].idle, [data-step="user-writer"].flowing').waitFor();
    const back = await page.context().newPage();
    await mood(back, config.url, "well");
    await outcome(page, words.created);
    await until("the step's class", () => step.getAttribute("class"), (c) => c === "step idle" || c === "step flowing");
    await shot(flow, "flow");
  });
}
