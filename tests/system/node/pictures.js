// Pictures of the live page for the README: `pictures.js URL TOKEN FOLDER`. `ci/pictures.sh` runs it on a demo that has been at work for a while.
"use strict";
const { statSync } = require("node:fs");
const { join } = require("node:path");
const { onPages } = require("./page.js");

const MOST = 250_000;

async function main([url, token, folder]) {
    const looks = ["light", "dark"].map((colorScheme) => ({ viewport: { width: 1440, height: 900 }, colorScheme, reducedMotion: "reduce" }));
    const drawn = (page) => page.evaluate(() => new Promise((done) => {
        requestAnimationFrame(() => requestAnimationFrame(done));
    }));
    await onPages(looks, (asked) => asked.startsWith(url) || asked.startsWith("data:"), async (page, { colorScheme }) => {
        const suffix = colorScheme === "dark" ? "-dark" : "";
        const save = async (name, options) => {
            const path = join(folder, `${name}${suffix}.png`);
            await drawn(page);
            await page.screenshot({ path, ...options });
            const { size } = statSync(path);
            if (size > MOST) throw new Error(`${path} has ${size} bytes, more than ${MOST}`);
        };
        await page.goto(`${url}#range=60`);
        await page.waitForFunction(() => store.length > 2 && tables !== null);
        // A marker on all charts, a little before now.
        const chart = await page.locator("#latency canvas").boundingBox();
        await page.mouse.move(chart.x + chart.width * 0.8, chart.y + 60);
        await save("page");

        await page.getByLabel("Token, to see slow requests").fill(token);
        await page.keyboard.press("Enter");
        await page.locator("#requests tbody .name").first().click();
        await page.waitForFunction(() => flame.frames.length > 3);
        await page.evaluate(() => document.activeElement.blur());
        // Both panels, which lie one below the other.
        const [above, below] = [await page.locator("#requests").boundingBox(), await page.locator("#flame").boundingBox()];
        const { x, y } = await page.evaluate(({ above }) => ({ x: above.x, y: above.y + scrollY }), { above });
        await page.mouse.move(5, 5);
        await save("page-requests", { fullPage: true, clip: { x: x - 8, y: y - 8, width: above.width + 16, height: below.y + below.height - above.y + 16 } });
    });
}

main(process.argv.slice(2)).catch((error) => {
    console.error(error.stack);
    process.exitCode = 1;
});
