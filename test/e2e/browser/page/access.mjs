import assert from "node:assert/strict";

export async function access({ config, check, login }) {
  const stranger = { stranger: true };
  await check("a stranger is led to the login, and after it to the page asked for", stranger, async (page) => {
    await page.goto(`${config.url}/sagas?outcome=open`);
    assert.match(page.url(), /\/login\?to=/);
    await page.getByLabel("Your name").fill("Grace");
    await page.getByLabel("Token").fill(config.token);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Sagas" }).waitFor();
    assert.match(page.url(), /\/sagas\?outcome=open$/);
  });
  await check("a wrong token is refused with a word", stranger, async (page) => {
    await page.goto(`${config.url}/login`);
    await page.getByLabel("Your name").fill("Mallory");
    await page.getByLabel("Token").fill("guess");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("alert").filter({ hasText: "not the token" }).waitFor();
  });
  await check("the login leads to no other host", stranger, async (page) => {
    await page.goto(`${config.url}/login?to=//example.com/`);
    await page.getByLabel("Your name").fill("Grace");
    await page.getByLabel("Token").fill(config.token);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Flow" }).waitFor();
    assert.equal(new URL(page.url()).pathname, "/");
  });
  await check("after logging out nothing is shown", {}, async (page) => {
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in" }).waitFor();
    await page.goto(`${config.url}/letters`);
    assert.match(page.url(), /\/login/);
  });
  await check("a form of another site does nothing", {}, async (page) => {
    // A page of another origin that the operator has open beside the console.
    const other = await page.context().newPage();
    await other.route("http://127.0.0.1:9/", (route) => route.fulfill({
      contentType: "text/html",
      body: `<form method="post" action="${config.url}/letters/act"><input name="action" value="discard"><input name="letter" value="1"><button>Win a prize</button></form>`,
    }));
    await other.goto("http://127.0.0.1:9/");
    const answer = other.waitForResponse((r) => r.url() === `${config.url}/letters/act`);
    await other.getByRole("button").click();
    assert.equal((await answer).status(), 403);
  });
  await check("a read-only console shows dead letters and no actions", { stranger: true }, async (page) => {
    await login(page, config.readOnlyURL);
    await page.goto(`${config.readOnlyURL}/letters`);
    await page.getByText("read-only").waitFor();
    assert.equal(await page.getByRole("button", { name: /Replay|Discard/ }).count(), 0);
    const status = await page.evaluate(async () =>
      (await fetch("/letters/act", { method: "POST", body: new URLSearchParams({ action: "discard", letter: "1" }) })).status);
    assert.equal(status, 403);
  });
}
