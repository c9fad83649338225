// Debian's chromium for a piece of work that ends. What a page is asked (`evaluate`) has no limit of its own, and a browser may hang
// when it starts, at work and when it is to close: then this says so, and the process ends, which ends the browser.
"use strict";
const { setTimeout: delay } = require("node:timers/promises");
const { chromium } = require("playwright-core");

// `judge` in `src/judge.rs` waits longer, so that this is what is read.
const LIMIT = 240_000;
const CLOSES = 10_000;

async function within(limit, what, work) {
    const over = new AbortController();
    const late = delay(limit, undefined, { signal: over.signal }).then(() => {
        throw Object.assign(new Error(`${what} took more than ${limit / 1_000} s`), { late: true });
    });
    // Who is in time aborts the delay, which nobody waits for any more.
    late.catch(() => {});
    try {
        return await Promise.race([work, late]);
    } finally {
        over.abort();
    }
}

// What `work` makes of a browser.
async function inBrowser(work, { args, limit = LIMIT } = {}) {
    const browser = await chromium.launch({ executablePath: process.env.TACHOGRAPH_CHROMIUM, args });
    try {
        return await within(limit, "the work in the browser", work(browser));
    } finally {
        // What has been seen is seen: a browser that does not close is left to the end of the process, which comes soon.
        await within(CLOSES, "closing the browser", browser.close()).catch(() => setTimeout(() => process.exit(), 1_000).unref());
    }
}

module.exports = { inBrowser };
