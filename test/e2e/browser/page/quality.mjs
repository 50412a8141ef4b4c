import assert from "node:assert/strict";
import { createRequire } from "node:module";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export async function quality({ config, check, shot }) {
  const paths = ["/", "/sagas", "/letters", "/system", "/signup", "/sagas?saga=nobody", "/nowhere"];
  for (const colorScheme of ["light", "dark"]) {
    for (const [device, viewport] of Object.entries({ desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } })) {
      await check(`axe finds nothing, ${device}, ${colorScheme}`, { viewport, colorScheme, bypassCSP: true }, async (page) => {
        await page.goto(`${config.url}/sagas`);
        const saga = await page.locator("tbody th a").first().getAttribute("href");
        await page.goto(`${config.url}/letters`);
        const letter = await page.locator("tbody th a").first().getAttribute("href");
        for (const path of [...paths, saga, letter]) {
          await page.goto(config.url + path);
          if (path === "/") await page.locator("#plot-rates canvas").first().waitFor();
          await page.addScriptTag({ path: axe });
          const { violations } = await page.evaluate(() => axe.run());
          assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), [], path);
          const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
          assert.ok(!wide, `${path} is wider than the screen`);
          const name = path.split(/[/?]/)[1] || "flow";
          await shot(page, `${device}-${colorScheme}-${name}${path === saga ? "-one" : ""}`);
        }
      });
    }
  }
  await check("what needs a script cannot be used without it", {}, async (page) => {
    const needing = { "/letters": "#all", "/sagas": "#search-id", "/signup": "#signup button, #moods" };
    const states = async (path) => {
      await page.goto(config.url + path);
      return [...new Set(await page.locator(needing[path]).evaluateAll((all) => all.map((e) => e.disabled)))];
    };
    for (const path of Object.keys(needing)) assert.deepEqual(await states(path), [false], path);
    await page.route("**/static/*.js", (r) => r.abort());
    for (const path of Object.keys(needing)) assert.deepEqual(await states(path), [true], path);
  });
  await check("everything can be reached with the keyboard", {}, async (page) => {
    await page.goto(`${config.url}/letters`);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "main");
    const reached = new Set();
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement.outerHTML.slice(0, 60)));
    }
    const wanted = await page.locator("main a, main button, main input:not([type=hidden]), main select").evaluateAll((all) => all.map((e) => e.outerHTML.slice(0, 60)));
    assert.deepEqual(wanted.filter((w) => !reached.has(w)), []);
  });
  await check("nothing jumps while the flow is watched", {}, async (page) => {
    await page.locator("#plot-codes").waitFor();
    const shift = await page.evaluate(() => new Promise((done) => {
      let sum = 0;
      new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) sum += e.value; })
        .observe({ type: "layout-shift", buffered: true });
      const source = new EventSource("/live");
      let told = 0;
      source.addEventListener("flow", () => { if (++told === 7) { source.close(); done(sum); } });
    }));
    assert.ok(shift < 0.1, `cumulative layout shift ${shift}`); // the bound of "good" in Web Vitals
  });
}
