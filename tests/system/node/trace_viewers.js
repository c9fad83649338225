// Opens trace events in Perfetto or in the page of chrome://tracing and prints as JSON what is in them there: the slices, in
// the order of tracks and of time, the texts that were drawn, and what went wrong.
// Usage: node trace_viewers.js < INPUT, with NODE_PATH, TACHOGRAPH_CHROMIUM and TACHOGRAPH_PERFETTO set. The first line of the
// input is `perfetto` or `catapult`, as that page is called by who makes it; the rest is the file.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const { inBrowser } = require("./browser.js");

// The one that both pages and the file seem to come from: nothing leaves the browser.
const SITE = "http://trace.test";
const LIMIT = 60_000;

// Names are drawn on a canvas, where nothing of the page could be asked for them later.
function remember() {
    window.drawn = new Set();
    const fillText = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) {
        window.drawn.add(text);
        return fillText.call(this, text, ...rest);
    };
}

const SLICES = `SELECT thread.name AS track, thread.is_main_thread AS main, slice.name AS name, slice.category AS category,
        slice.ts - (SELECT MIN(ts) FROM slice) AS start, slice.dur AS duration, parent.name AS parent,
        EXTRACT_ARG(slice.arg_set_id, 'args.status') AS status
    FROM slice JOIN thread_track ON slice.track_id = thread_track.id JOIN thread USING (utid)
        LEFT JOIN slice AS parent ON slice.parent_id = parent.id
    ORDER BY thread.tid, slice.ts, slice.depth`;
const FAULTS = "SELECT name, value FROM stats WHERE severity IN ('error', 'data_loss') AND value > 0";

async function perfetto(page) {
    await page.goto(`${SITE}/#!/?url=${SITE}/trace.json`);
    await page.waitForFunction(() => window.app?.trace && window.waitForPerfettoIdle, null, { timeout: LIMIT });
    return page.evaluate(async ([slices, faults]) => {
        await waitForPerfettoIdle();
        const rows = async (sql) => {
            const result = await app.trace.engine.query(sql);
            const rows = [];
            for (const row = result.iter({}); row.valid(); row.next()) {
                const cell = (name) => (typeof row.get(name) === "bigint" ? Number(row.get(name)) : row.get(name));
                rows.push(Object.fromEntries(result.columns().map((name) => [name, cell(name)])));
            }
            return rows;
        };
        const faulty = [...(await rows(faults)), ...(await rows(slices)).filter((slice) => slice.main)];
        return { slices: await rows(slices), texts: [...drawn], errors: faulty.map((row) => JSON.stringify(row)) };
    }, [SLICES, FAULTS]);
}

async function catapult(page, version, file) {
    await page.goto(`${SITE}/${version}/assets/catapult_trace_viewer.html`);
    await page.evaluate((file) => profilingView.setActiveTrace("trace.json", file), file);
    await page.waitForFunction(() => profilingView.timelineView.model, null, { timeout: LIMIT });
    await page.waitForFunction(() => drawn.size > 0, null, { timeout: LIMIT });
    return page.evaluate(() => {
        const { model } = profilingView.timelineView;
        // It has milliseconds since 1970 as floating-point numbers, which hold no nanoseconds.
        const nanos = (millis) => Math.round(millis * 1_000) * 1_000;
        const slices = model.getAllThreads().flatMap((thread) => thread.sliceGroup.slices.map((slice) => ({
            track: thread.name, name: slice.title, category: slice.category,
            start: nanos(slice.start), duration: nanos(slice.duration),
            parent: slice.parentSlice?.title ?? null, status: slice.args.status ?? null,
        })));
        return { slices, texts: [...drawn], errors: model.importWarnings.map((warning) => JSON.stringify(warning)) };
    });
}

async function look(page, viewer, file) {
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("dialog", (dialog) => errors.push(dialog.message()) && dialog.dismiss());
    const root = process.env.TACHOGRAPH_PERFETTO;
    await page.context().route("**/*", (route) => {
        const { origin, pathname } = new URL(route.request().url());
        // Perfetto asks whether it is at home, and for a faster trace processor beside it.
        if (origin !== SITE) return route.abort();
        if (pathname === "/trace.json") return route.fulfill({ contentType: "application/json", body: file });
        const source = path.join(root, pathname === "/" ? "index.html" : pathname);
        return fs.existsSync(source) ? route.fulfill({ path: source }) : route.fulfill({ status: 404 });
    });
    await page.addInitScript(remember);
    const version = fs.readdirSync(root).find((name) => /^v\d/.test(name));
    const seen = await { perfetto, catapult }[viewer](page, version, file);
    return { ...seen, errors: [...seen.errors, ...errors] };
}

(async () => {
    const [viewer, file] = fs.readFileSync(0, "utf8").split("\n");
    const see = () => inBrowser(async (browser) => {
        const page = await browser.newPage({ serviceWorkers: "block", viewport: { width: 1440, height: 900 } });
        return look(page, viewer, file);
    }, { limit: 100_000 });
    // This has hung once, for ever, and not in 60 runs after that: that was no verdict on the file.
    const seen = await see().catch((error) => (error.late ? see() : Promise.reject(error)));
    console.log(JSON.stringify(seen));
})().catch((error) => {
    console.error(error.stack);
    process.exitCode = 1;
});
