// What the contract has the user hear, by code.
export const words = {
  created: "✓ User created successfully",
  session_expired: "✗ Session expired. Please log in again.",
  code_incorrect: "✗ The verification code is incorrect",
  code_locked: "✗ Too many incorrect codes. Request a new code.",
  user_exists: "✗ User already exists",
  invalid_request: "✗ Error processing job",
  encryption_failed: "✗ Error encrypting your credentials. Please try again.",
  deadline_exceeded: "✗ Error processing job",
  processing_error: "✗ Error processing job",
};

// until waits until what find returns matches, and fails with what it was last.
export async function until(what, find, matches, patience = 45_000) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await find();
    if (matches(found)) return found;
    if (Date.now() > end) throw new Error(`${what}: have ${JSON.stringify(found)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// follow clicks a link and waits for the whole page that it leads to.
export async function follow(link) {
  await link.click();
  await link.page().waitForLoadState();
}

export async function signUp(page, url, want = "created", id) {
  await page.goto(`${url}/signup`);
  if (id) await page.getByLabel("Id").fill(id);
  await page.locator(`button[value="${want}"]`).click();
  return page.getByLabel("Id").inputValue();
}

export const outcome = (page, text) =>
  until("outcome", () => page.locator("#outcome").textContent(), (t) => t === text);

export async function mood(page, url, name) {
  await page.goto(`${url}/signup`);

  const radio = page.locator(`input[name="mood"][value="${name}"]`);
  if (await radio.isChecked()) return;
  const told = page.waitForResponse((r) => r.url().endsWith("/signup/encryption") && r.ok());
  await radio.check();
  await told;
}
