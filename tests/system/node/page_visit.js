// What the scripts that visit the live page share. A visit begins when the first chart is drawn.
"use strict";
const assert = require("node:assert/strict");
const { onPages } = require("./page.js");

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WIDE = { viewport: { width: 1440, height: 900 } };
// As in `src/demo.rs`.
const TOKEN = "system-test-token";

// Asks until `probe` is true of the page.
async function until(page, what, probe, argument) {
    await page.waitForFunction(probe, argument, { timeout: 60_000, polling: 50 }).catch((error) => {
        throw new Error(`waited for ${what}: ${error.message}`);
    });
}

async function visit(place, options, part, { expected, before, hash = "" } = {}) {
    const [url] = place.split(" ");
    const own = (asked) => asked.startsWith(url) || asked.startsWith("data:");
    await onPages(options, own, async (page, option) => {
        await before?.(page);
        await page.goto(url + hash);
        if (option.javaScriptEnabled !== false) {
            await until(page, "the first chart", () => performance.getEntriesByName("first-chart").length > 0);
        }
        await part(page, option);
    }, expected);
}

// Ticks go on, so a number of them is a time that no load of the machine changes. What they told is drawn.
async function ticks(page, count) {
    const wanted = count + await page.evaluate(() => store.length);
    await until(page, `${count} ticks`, (wanted) => store.length >= wanted && frame === 0, wanted);
}

async function giveToken(page, token = TOKEN) {
    await page.getByLabel("Token, to see slow requests").fill(token);
    await page.locator("#requests .lock").getByRole("button", { name: "Show" }).click();
}
async function unlocked(page) {
    await giveToken(page);
    await until(page, "the slow requests", () => document.querySelectorAll("#requests tbody tr").length > 0);
    await until(page, "the flame graph", () => document.querySelectorAll("#flame [role=treeitem]").length > 3);
}

// One request of each kind that the traffic has is there; then the page is paused, in the same turn, so that none comes or goes.
async function settled(page) {
    await unlocked(page);
    await until(page, "requests of all kinds", () => {
        const known = asking === 0 && requests.list.some(({ phases }) => phases.some(({ parent }) => parent !== null))
            && ["GET /scene", "POST /scene", "scene_parse"].every((name) => flame.frames.some((frame) => frame.name === name));
        if (known) pause();
        return known;
    });
}

// A stream of our own, told at once; the page is the server's.
const told = (events) => events.map(([name, data]) => `event: ${name}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`).join("");
const stream = (events) => async (page) => {
    const body = told(events);
    await page.route("**/events", (route) => route.fulfill({ contentType: "text/event-stream", body }));
};
const HELLO = { v: 1, tick_ms: 1000, history_s: 3600, bounds: [0.1, 1], checks: ["memory"], started: 1e12, build: { version: "0.1.0" }, profiles: false,
    frames: false };

module.exports = { assert, HELLO, PHONE, TOKEN, WIDE, giveToken, settled, stream, told, ticks, unlocked, until, visit };
