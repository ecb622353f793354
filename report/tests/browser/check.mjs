// Opens a page of `cargo run -p nongemm-report --example suite -- page ..` in headless Chromium and uses it as a
// reader does: by pointer, by keyboard, in light and dark, on a desk and on a telephone.
//
//   node check.mjs PAGE PACKAGES [CHROMIUM [SCREENSHOTS]]
//
// PACKAGES is the folder whose node_modules hold what package.json names; CHROMIUM a browser, `-` for the
// packaged one. The last run of the page is hostile.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [file, packages, browserPath = "-", shots] = process.argv.slice(2);
const require = createRequire(resolve(packages, "package.json"));
const load = async (name) => import(pathToFileURL(require.resolve(name)));
const puppeteer = (await load("puppeteer-core")).default;
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const SORT_LIMIT_MS = 200;
const SIZE_LIMIT = 5e6;

async function launch() {
  if (browserPath !== "-") return puppeteer.launch({ executablePath: browserPath, headless: true, args: ["--no-sandbox"] });
  const chromium = (await load("@sparticuz/chromium")).default;
  chromium.setGraphicsMode = false;
  return puppeteer.launch({ executablePath: await chromium.executablePath(), headless: "shell", args: chromium.args.filter((flag) => flag !== "--single-process") });
}

const browser = await launch();
const page = await browser.newPage();
const problems = [];
page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(`console: ${message.text()}`));
page.on("pageerror", (error) => problems.push(`error: ${error}`));
page.on("dialog", (dialog) => (problems.push(`dialog: ${dialog.message()}`), dialog.dismiss()));
page.on("request", (request) => {
  const url = request.url();
  if (url.split("#")[0] !== pathToFileURL(resolve(file)).href && !url.startsWith("data:")) problems.push(`request: ${url}`);
});

const address = pathToFileURL(resolve(file)).href;
const settle = () => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
const go = async (fragment) => {
  await page.evaluate((to) => { location.hash = to; }, fragment);
  await page.waitForFunction(() => !document.querySelector(".loading"), { timeout: 20000 });
  await settle();
};
const text = (selector) => page.$eval(selector, (element) => element.textContent);
const shot = async (name) => {
  if (!shots) return;
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
};

/** What a reader sees in a column of a grid: the rows in view. */
const cells = (grid, title) => page.evaluate((label, wanted) => {
  const element = [...document.querySelectorAll(".grid")].find((g) => g.getAttribute("aria-label").startsWith(label));
  const titles = [...element.querySelectorAll("[role=columnheader]")].map((head) => head.textContent.trim());
  const index = titles.indexOf(wanted);
  if (index < 0) throw new Error(`no column ${wanted} among ${titles}`);
  return [...element.querySelectorAll(".line")].map((line) => line.children[index].textContent);
}, grid, title);

/** Clicks a heading; returns the milliseconds until the rows are painted. */
const sort = (grid, title) => page.evaluate(async (label, wanted) => {
  const element = [...document.querySelectorAll(".grid")].find((g) => g.getAttribute("aria-label").startsWith(label));
  const head = [...element.querySelectorAll("[role=columnheader]")].find((h) => h.textContent.trim() === wanted);
  const since = performance.now();
  head.querySelector("button").click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
  return { ms: performance.now() - since, order: head.getAttribute("aria-sort"), rows: Number(element.getAttribute("aria-rowcount")) - 1 };
}, grid, title);

const number = (cell) => Number.parseFloat(cell);
const isSorted = (list, descending) => list.every((value, i) => i === 0 || (descending ? list[i - 1] >= value : list[i - 1] <= value));

async function accessible(name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] }));
  const found = violations.map((v) => `${v.id}: ${v.help} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 200)} ${v.nodes[0].failureSummary.split("\n")[1] || ""}`);
  assert.deepEqual(found, [], `accessibility of ${name}`);
}

const checks = {
  async "opens offline, whole, in time"() {
    const size = statSync(file).size;
    await page.setOfflineMode(true);
    const since = Date.now();
    await page.goto(`${address}#/`);
    await page.waitForSelector("html[data-ready]", { timeout: 20000 });
    await settle();
    console.log(`  ${(size / 1e6).toFixed(2)} MB, opened in ${Date.now() - since} ms`);
    assert.ok(size < SIZE_LIMIT, `${size} bytes`);
    await shot("runs");
  },
  async "the table of runs sorts and filters"() {
    const all = await text(".tools output");
    const { ms, order, rows } = await sort("runs", "non-GEMM");
    assert.equal(order, "descending");
    assert.ok(rows > 3 && all === `${rows} of ${rows}`, all);
    const shares = (await cells("runs", "non-GEMM")).filter(Boolean).map(number);
    assert.ok(shares.length > 3 && isSorted(shares, true), shares.join(" "));
    assert.ok(ms < SORT_LIMIT_MS, `${ms} ms`);
    await page.type("input[type=search]", "gpt2 ort");
    await settle();
    const models = await cells("runs", "model");
    assert.ok(models.length > 0 && models.every((name) => name.startsWith("gpt2")), models.join(" "));
    await page.$eval("input[type=search]", (field) => { field.value = "no such run"; field.dispatchEvent(new Event("input")); });
    assert.match(await text(".grid-body"), /nothing matches/);
  },
  async "bars are arranged as the figures"() {
    await go("#/groups");
    const figures = await page.$$eval("select", (all) => [...all[0].options].map((option) => option.value));
    for (const figure of figures) {
      await page.select("select", figure);
      await settle();
      const bars = await page.$$eval(".bar-row .bar", (list) => list.map((bar) => [...bar.children].reduce((sum, piece) => sum + Number.parseFloat(piece.style.width), 0)));
      assert.ok(bars.length > 0, `figure ${figure}`);
      for (const whole of bars) assert.ok(Math.abs(whole - 100) < 0.5, `figure ${figure}: a bar of ${whole}%`);
    }
    await page.select("select", figures[0]);
    await settle();
    await shot("groups");
  },
  async "a run shows its operators, which sort in time"() {
    const id = await page.evaluate(() => document.querySelector(".bar-row a").getAttribute("href"));
    await go(id);
    await shot("run");
    await page.evaluate(() => [...document.querySelectorAll(".tick")].find((tick) => tick.textContent.includes("equal calls")).querySelector("input").click());
    await settle();
    const titles = await page.evaluate(() => [...document.querySelectorAll(".grid [role=columnheader]")].map((head) => head.textContent.trim()));
    let slowest = 0;
    for (const title of titles) {
      for (let twice = 0; twice < 2; twice++) {
        const { ms, rows } = await sort("operators", title);
        assert.ok(rows >= 1000, `${rows} rows`);
        slowest = Math.max(slowest, ms);
      }
    }
    console.log(`  slowest sort of ${titles.length} columns: ${slowest.toFixed(0)} ms`);
    assert.ok(slowest < SORT_LIMIT_MS, `${slowest} ms`);
    await sort("operators", "module");
    await sort("operators", "share");
    assert.ok(isSorted((await cells("operators", "share")).map(number), true));
    await sort("operators", "operator");
    assert.ok(isSorted(await cells("operators", "operator"), false));
  },
  async "a run stands under its roofline"() {
    const [marks, rows] = await page.evaluate(() => [document.querySelectorAll(".plot circle.op").length, [...document.querySelectorAll("h2")].find((head) => head.textContent === "Roofline").closest("section").querySelectorAll("tbody tr").length]);
    assert.ok(marks > 5 && rows > 3, `${marks} marks, ${rows} groups`);
    assert.ok((await cells("operators", "bound")).some((bound) => ["compute", "memory", "overhead"].includes(bound)));
  },
  async "operators filter by text and group"() {
    await page.evaluate(() => {
      const field = document.querySelector("input[type=search]");
      field.value = "softmax";
      field.dispatchEvent(new Event("input"));
    });
    await settle();
    const names = await cells("operators", "operator");
    assert.ok(names.length > 0 && names.every((name) => name === "softmax"), names.join(" "));
    assert.match(await text(".tools output"), /^\d+.rows?, \d/);
    await page.evaluate(() => {
      const field = document.querySelector("input[type=search]");
      field.value = "";
      field.dispatchEvent(new Event("input"));
    });
  },
  async "the keyboard is enough"() {
    await page.focus(".grid");
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.$eval(".grid", (grid) => document.getElementById(grid.getAttribute("aria-activedescendant")).getAttribute("aria-rowindex")), "3");
    assert.match(await text(".detail"), /operator/);
    await page.keyboard.press("End");
    const last = await page.$eval(".grid", (grid) => [Number(document.getElementById(grid.getAttribute("aria-activedescendant")).getAttribute("aria-rowindex")), Number(grid.getAttribute("aria-rowcount"))]);
    assert.equal(last[0], last[1]);
    await page.focus(".grid-head button");
    await page.keyboard.press("Enter");
    assert.notEqual(await page.$eval(".grid-head [role=columnheader]", (head) => head.getAttribute("aria-sort")), "none");
    await page.focus(".icicle .box");
    const boxes = (await page.$$(".icicle .box")).length;
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await settle();
    assert.equal((await page.$$(".crumbs button")).length, 2);
    await page.keyboard.press("Escape");
    await settle();
    assert.equal((await page.$$(".icicle .box")).length, boxes);
    await page.focus(".slider input");
    const before = await text(".projection");
    for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowRight");
    assert.notEqual(await text(".projection"), before);
    assert.match(await text(".projection"), /×1\.\d\d/);
  },
  async "the tables of the paper are there"() {
    await go("#/paper");
    const titles = await page.$$eval("h2", (all) => all.map((head) => head.textContent));
    for (const wanted of [/Table 2/, /Table 4/, /Beside the paper/]) assert.ok(titles.some((title) => wanted.test(title)), titles.join(", "));
    assert.ok((await page.$$("tbody tr")).length > 20);
    await shot("paper");
    await go("#/machines");
    assert.match(await text("main"), /EPYC/);
  },
  async "hostile names are only names"() {
    const id = await page.evaluate(() => { location.hash = "#/"; return null; });
    assert.equal(id, null);
    await settle();
    await page.$eval("input[type=search]", (field) => { field.value = "onerror"; field.dispatchEvent(new Event("input")); });
    await settle();
    const to = await page.$eval(".grid a", (link) => link.getAttribute("href"));
    await go(to);
    assert.match(await text("h1"), /<img src=x onerror=alert\(1\)>/);
    assert.equal((await page.$$("main img, main script, main iframe")).length, 0);
    await page.evaluate(() => document.querySelector(".grid .line").click());
    assert.equal((await page.$$("main img, main script, main iframe")).length, 0);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "a long name widens the page");
    await shot("hostile");
  },
  async "light and dark, wide and narrow, for everybody"() {
    await go("#/groups");
    const run = await page.evaluate(() => document.querySelector(".bar-row a").getAttribute("href"));
    for (const scheme of ["light", "dark"]) {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      for (const [name, fragment] of [["runs", "#/"], ["groups", "#/groups"], ["run", run], ["paper", "#/paper"], ["machines", "#/machines"]]) {
        await go(fragment);
        await accessible(`${name}, ${scheme}`);
        if (scheme === "dark") await shot(`${name}-dark`);
      }
    }
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await ground();
    await page.click("#theme");
    assert.notEqual(await ground(), dark, "the button takes light colours");
    await page.click("#theme");
    assert.equal(await ground(), dark, "and dark ones");
    await page.setViewport({ width: 390, height: 844 });
    for (const [name, fragment] of [["runs", "#/"], ["groups", "#/groups"], ["run", run], ["paper", "#/paper"], ["machines", "#/machines"]]) {
      await go(fragment);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} fits a telephone`);
      await shot(`${name}-narrow`);
    }
  },
};

let failed = 0;
await page.setViewport({ width: 1360, height: 900 });
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    assert.deepEqual(problems.splice(0), []);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL ${name}\n     ${error.message}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
