// The live page where things are not as they should be: hostile names, no place, words that are no figures, an hour and more.
"use strict";
const { runPart } = require("./page.js");
const { assert, HELLO, PHONE, WIDE, giveToken, stream, ticks, told, unlocked, until, visit } = require("./page_visit.js");

const NASTY = ["</script><img src=x onerror=throw(1)>", "<b onclick=throw(2)>bold</b>", "\u202eevil\u0000\n\t", "long".repeat(2_000), "{{figures}}", "__proto__", ""];
const NOW = Date.now();
const tick = (t, more) => ({ t, r2: 5, r3: 0, r4: 1, r5: 1, ro: 0, p50: 0.1, p90: 0.2, p95: 0.3, p99: 0.4, b: [1, 2, 3], conn: 3, connmax: 4, h: 2, hc: [2], ...more });
const over = (ticks) => Object.fromEntries(Object.keys(ticks[0]).map((key) => [key, ticks.map((tick) => tick[key])]));
const notices = (page) => page.locator("#notices").textContent();

const parts = {
    async hostile(place) {
        const rows = (key, more) => NASTY.map((name) => ({ [key]: name, n: 3, ...more }));
        const now = { endpoints: rows("e", { rps: 1, err: 0.5, p50: 0.1, p95: 0.2 }), scenes: rows("s"), scene_errors: rows("t"), auth: rows("r"), limited: rows("e"),
            status: rows("s"), checks: NASTY.map((name) => ({ name, status: 2, ms: 1, age_s: 1 })) };
        const ill = { hc: NASTY.map(() => 2), sok: 1, serr: 1, aok: 1, aerr: 1, rl: 1 };
        const before = stream([["hello", { ...HELLO, checks: NASTY, build: { version: NASTY[0] } }], ["history", over([tick(NOW - 1000, ill), tick(NOW, ill)])],
            ["now", now]]);
        await visit(place, [WIDE, PHONE], async (page, { viewport }) => {
            await until(page, "the names", () => document.querySelectorAll("#slowest tbody tr").length === 7);
            assert.equal(await page.locator("main.only :is(img, b, script), .bar :is(img, b)").count(), 0);
            const shown = await page.locator("#slowest tbody .name").allTextContents();
            assert.equal(shown[0], NASTY[0]);
            assert.equal(shown[2], "·evil···");
            for (const id of ["slowest", "health", "scene", "auth", "limit", "status"]) {
                assert.ok((await page.locator(`#${id} tbody .name`).allTextContents()).includes(NASTY[0]), id);
            }
            assert.ok((await page.locator("#t-health .more").textContent()).includes(`✕ ${NASTY[0]}`));
            const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
            assert.ok(scrollWidth <= viewport.width, `${scrollWidth} pixels wide`);
            assert.equal(await page.evaluate(() => ({}).n), undefined);
        }, { before });
    },

    // What is ill is told by words, not by colours alone, and stands at the head.
    async ill(place) {
        const before = stream([["hello", HELLO], ["history", over([tick(NOW - 1000, { h: 0, hc: [0] }), tick(NOW)])]]);
        await visit(place, [WIDE, PHONE], async (page) => {
            await until(page, "the fall", () => document.querySelector("#t-health .value").textContent === "✕ unhealthy");
            assert.equal(await page.locator("#t-health .more").textContent(), "✕ memory");
            assert.match(await page.locator("#t-errors .value").textContent(), /^✕ 14\.3\u202f%$/);
            assert.match(await page.title(), /^✕ unhealthy · /);
            for (const id of ["t-health", "t-errors"]) {
                const { y, height } = await page.locator(`#${id}`).boundingBox();
                assert.ok(y + height < 500, `${id} is not at the head`);
            }
            // What this service does not measure is not there.
            for (const id of ["scene", "auth", "limit", "memory", "cpu", "fps", "cost", "requests", "flame", "status"]) {
                assert.ok(await page.locator(`#${id}`).isHidden(), id);
            }
        }, { before });
    },

    async crowded(place) {
        let free = false;
        const before = async (page) => {
            await page.route("**/events", (route) => (free ? route.continue() : route.fulfill({ status: 503, headers: { "retry-after": "2" }, body: "{}" })));
            page.on("load", () => {
                setTimeout(() => { free = true; }, 1_000);
            });
        };
        const expected = (message) => message.includes("503 (Service Unavailable)");
        // The page is not driven before the first chart, so what it said is asked of it afterwards.
        await visit(place, [WIDE], async (page) => {
            const said = await page.evaluate(() => window.heard);
            assert.ok(said.some((text) => /^Too many viewers: .* next try is in 2 seconds/.test(text)), said.join("\n"));
            assert.equal(await notices(page), "");
        }, { before: async (page) => {
            await page.addInitScript(() => {
                window.heard = [];
                addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
                    window.heard.push(document.getElementById("notices").textContent);
                }).observe(document.getElementById("notices"), { childList: true }));
            });
            await before(page);
        }, expected });
    },

    // One event that is not understood is told, and the rest is shown.
    async garbage(place) {
        for (const [name, data, told] of [
            ["tick", "{", /not understand \(tick/], ["tick", "null", /not understand \(tick/], ["tick", { t: "soon" }, /a tick without its time/],
            ["now", "7", /not understand \(now/], ["history", "[]", /a history without its times/], ["hello", { ...HELLO, v: 2 }, /speaks version 2/],
            ["trouble", { text: "<b>no</b>" }, /no new figures: <b>no<\/b>/],
        ]) {
            const before = stream([["hello", HELLO], ["history", over([tick(NOW - 1000), tick(NOW)])], [name, data]]);
            await visit(place, [WIDE], async (page) => {
                await until(page, "the notice", (told) => new RegExp(told).test(document.getElementById("notices").textContent), told.source);
                assert.equal(await page.locator("#t-conn .value").textContent(), "3");
                assert.equal(await page.locator("#notices b").count(), 0);
            }, { before });
        }
    },

    // A fault of the page before it shows anything brings the server's tables back.
    async broken(place) {
        const before = (page) => page.addInitScript(() => {
            window.EventSource = undefined;
            performance.mark("first-chart");
        });
        await assert.rejects(visit(place, [WIDE], async (page) => {
            assert.ok(await page.locator("#figures").isVisible());
            assert.match(await notices(page), /^This page has a fault: /);
        }, { before }), /EventSource is not a constructor/);
    },

    // A refused request of a later moment asks for the token again.
    async expired(place) {
        await visit(place, [WIDE], async (page) => {
            await unlocked(page);
            await page.route("**/debug/profile**", (route) => route.fulfill({ status: 401, body: "{}" }));
            await page.getByRole("button", { name: "Refresh" }).click();
            await until(page, "the question", () => document.querySelector("#requests .lock .problem").textContent.includes("refused this token"));
            assert.ok(await page.locator("#flame .lock").isVisible());
            await page.unroute("**/debug/profile**");
            await page.route("**/debug/profile**", (route) => route.fulfill({ body: "<html>" }));
            await giveToken(page);
            await until(page, "the complaint", () => document.querySelector("#requests .lock .problem").textContent.includes("not understood"));
        }, { expected: (message) => message.includes("401 (Unauthorized)") });
    },

    // The words of a chart tell of the first figures at once, then not of each tick. One turn, so that nothing comes between.
    async words(place) {
        await visit(place, [WIDE], async (page) => {
            const told = await page.evaluate((ticks) => {
                begin(greeting(store.hello));
                return [null, ...ticks].map((tick) => {
                    if (tick) putTick(tick);
                    render();
                    return /2xx: now ([^,]+)/.exec(document.querySelector("#rate canvas").getAttribute("aria-label"))[1];
                });
            }, [tick(NOW, { r2: null }), tick(NOW + 1000, { r2: 7 }), tick(NOW + 2000, { r2: 8 })]);
            assert.deepEqual(told, ["–", "–", "7.00\u202f/s", "7.00\u202f/s"]);
        });
    },

    // A stream that ends as soon as it has begun is not asked for again and again, and nothing of what is looked at is lost.
    async cut(place) {
        let [opened, started] = [0, HELLO.started];
        const before = (page) => page.route("**/events", (route) => {
            if (route.request().method() === "GET") opened += 1;
            const body = told([["hello", { ...HELLO, started }], ["history", over([tick(NOW - 1000), tick(NOW)])]]);
            return route.fulfill({ contentType: "text/event-stream", body });
        });
        await visit(place, [WIDE], async (page) => {
            await page.keyboard.press(" ");
            await page.locator("#rate canvas").focus();
            await page.keyboard.press("ArrowLeft");
            await until(page, "a fourth stream", () => link.tries > 3);
            const most = opened;
            assert.ok(most <= 1 + await page.evaluate(() => link.tries), `${most} streams`);
            assert.deepEqual(await page.evaluate(() => [view.end, view.cursor, store.length]), [NOW, NOW - 1000, 2]);
            assert.equal(await page.locator("#t-conn .value").textContent(), "3");
            // That of another server has no such time.
            started += 1;
            await until(page, "another server", () => view.end === null && view.cursor === null);
        }, { before });
    },

    // A proxy has it under a path of its own: what is asked for lies there, too.
    async prefix(place) {
        const url = place.split(" ")[0];
        const before = (page) => page.route(`${url}behind/**`, (route) => route.continue({ url: route.request().url().replace("behind/", "") }));
        await visit(`${url}behind/`, [WIDE], async (page) => {
            await ticks(page, 2);
            await unlocked(page);
            const links = await page.locator("nav a").evaluateAll((links) => links.map(({ href }) => href));
            assert.deepEqual(links, ["metrics", "health", "scenes"].map((name) => `${url}behind/${name}`));
        }, { before });
    },

    // What is ill is seen by the title of a page that nobody looks at.
    async hidden(place) {
        await visit(place, [WIDE], async (page) => {
            const titles = await page.evaluate((tick) => {
                Object.defineProperty(document, "hidden", { value: true });
                return [2, 1, 0].map((h, at) => {
                    putTick({ ...tick, t: newest() + 1000 + at, h });
                    arrived();
                    return document.title;
                });
            }, tick(NOW));
            assert.deepEqual(titles, ["✕ unhealthy · Tachograph", "! degraded · Tachograph", "Tachograph"]);
        });
    },

    // Days of ticks take no more memory than an hour, and the last hour is still right.
    async bounded(place) {
        await visit(place, [WIDE], async (page) => {
            await ticks(page, 2);
            const found = await page.evaluate(() => {
                link.source.close();
                link.source = null;
                const bytes = () => Object.values(store.columns).reduce((sum, column) => sum + column.byteLength, store.time.byteLength);
                const before = bytes();
                const start = newest();
                for (let second = 1; second <= 20_000; second += 1) putTick({ t: start + second * 1000, r2: second, b: [second] });
                setRange(3600, true);
                const { first, last } = span();
                return { grew: bytes() - before, bytes: before, rows: last - first, last: store.columns.r2[last - 1], oldest: store.columns.r2[first],
                    ordered: store.time.subarray(1, store.length).every((time, at) => time > store.time[at]) };
            });
            assert.deepEqual(found, { grew: 0, bytes: found.bytes, rows: 3601, last: 20_000, oldest: 16_400, ordered: true });
            assert.ok(found.bytes < 2_500_000, String(found.bytes));
        });
    },
};

runPart(parts);
