// Opens a file in speedscope, as its command line does, and prints as JSON what is seen there: the title, of each track its
// name, the texts that were drawn on the flame graph and the rows of the table, and what went wrong.
// Usage: node speedscope_viewer.js < FILE, with NODE_PATH and TACHOGRAPH_CHROMIUM set.
const fs = require("fs");
const os = require("os");
const path = require("path");
const { inBrowser } = require("./browser.js");

const LIMIT = 60_000;

async function look(page, index, source) {
  const errors = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => errors.push(dialog.message()) && dialog.dismiss());
  // Names are drawn on a canvas, where nothing of the page could be asked for them later.
  await page.addInitScript(() => {
    window.drawn = new Set();
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
      window.drawn.add(text);
      return fillText.call(this, text, ...rest);
    };
  });
  await page.goto(`file://${index}#localProfilePath=${source}`);
  const tracks = [];
  let names = [];
  do {
    if (tracks.length > 0) {
      // The next one, and the first view again.
      await page.keyboard.press("n");
      await page.evaluate(() => window.drawn.clear());
      await page.keyboard.press("1");
    }
    // The axis is drawn first: what is no time is a name.
    const isDrawn = () => [...window.drawn].some((text) => !/^[\d.]+(ns|µs|ms|s)$/.test(text));
    await page.waitForFunction(isDrawn, null, { timeout: LIMIT }).catch((error) => errors.push(String(error)));
    // Where there are several, there is a list to choose from.
    names = await page.$$eval("tr[title]", (rows) => rows.map((row) => row.title));
    const texts = await page.evaluate(() => [...window.drawn]);
    // The third view is a table of self and total times.
    await page.keyboard.press("3");
    const cell = page.locator("table td:visible").first();
    await cell.waitFor({ timeout: LIMIT }).catch((error) => errors.push(String(error)));
    const rows = await page.$$eval("table tr", (rows) => {
      const visible = rows.filter((row) => row.checkVisibility() && !row.title);
      return visible.map((row) => [...row.cells].map((cell) => cell.innerText.trim()));
    });
    tracks.push({ name: names[tracks.length] ?? "", texts, rows });
  } while (tracks.length < names.length);
  return { title: await page.title(), tracks, errors };
}

(async () => {
  const index = path.join(path.dirname(require.resolve("speedscope/package.json")), "dist/release/index.html");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "speedscope-"));
  const source = path.join(folder, "profile.js");
  const encoded = fs.readFileSync(0).toString("base64");
  fs.writeFileSync(source, `speedscope.loadFileFromBase64("profile.json", ${JSON.stringify(encoded)})`);
  // A container's root has no sandbox to be put into, and no graphics card to draw with.
  const args = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"];
  try {
    const seen = await inBrowser(async (browser) => look(await browser.newPage(), index, source), { args });
    console.log(JSON.stringify(seen));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
})().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
