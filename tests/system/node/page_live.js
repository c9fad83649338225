// What a person sees and does on the live page of a service with traffic.
"use strict";
const { existsSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { runPart } = require("./page.js");
const { assert, PHONE, TOKEN, WIDE, giveToken, settled, ticks, until, visit } = require("./page_visit.js");

// Figures in all legends, with the page paused in the same turn if it is to be: on a busy machine a second may be without requests.
const figures = (page, paused) => until(page, "figures in all legends", (paused) => {
    const known = frame === 0 && [...document.querySelectorAll(".legend dd")].every((node) => /^[\d.\u2009]+(\u202f|$)/.test(node.textContent));
    if (known && paused) pause();
    return known;
}, paused);
const values = (page) => page.locator(".legend dd").allTextContents();
const text = (page, selector) => page.locator(selector).textContent();
const refused = (message) => message.includes("401 (Unauthorized)");

const parts = {
    // Each panel, five ticks after the page was opened, or when the machine has given the traffic its turn.
    async panels(place) {
        await visit(place, [WIDE, PHONE], async (page) => {
            await ticks(page, 5);
            const tables = ["slowest", "scene", "auth", "limit", "health", "status", "figures-panel"];
            await until(page, "rows in all tables", (tables) => frame === 0 && tables.every((id) => document.querySelector(`#${id} tbody tr`)), tables);
            await figures(page, false);
            const shown = await page.locator(".panel:not([hidden])").evaluateAll((panels) => panels.map(({ id }) => id));
            assert.deepEqual(shown, ["rate", "errors", "latency", "heat", "health", "slowest", "conn", "memory", "cpu", "scene", "auth", "limit", "requests",
                "flame", "fps", "cost", "status", "figures-panel"]);
            for (const tile of await page.locator(".tile:not([hidden]) .value").allTextContents()) assert.match(tile, /\d|[✓!✕] (healthy|degraded|unhealthy)/);
            assert.equal(await page.locator(".tile:not([hidden])").count(), 7);
            // Ink beside the axes: of each chart's own colours.
            for (const chart of await page.locator(".plot canvas").all()) {
                await chart.scrollIntoViewIfNeeded();
                const drawn = () => chart.evaluate((canvas) => {
                    if (!canvas.width) return false;
                    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                    for (let at = 0; at < data.length; at += 4) {
                        const [red, green, blue, alpha] = data.subarray(at, at + 4);
                        if (alpha > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 60) return true;
                    }
                    return false;
                });
                for (let tries = 0; !(await drawn()); tries += 1) {
                    assert.ok(tries < 100, `${await chart.getAttribute("aria-label")} is empty`);
                    await page.waitForTimeout(50);
                }
            }
            // It is us who read pixels back.
        }, { expected: (message) => message.includes("willReadFrequently") });
    },

    async slow_requests(place) {
        await visit(place, [WIDE, PHONE], async (page) => {
            await giveToken(page, "not a token");
            assert.match(await text(page, "#requests .problem[role=alert]"), /letters, digits/);
            await giveToken(page, "wrong");
            await until(page, "a refusal", () => document.querySelector("#requests .lock .problem").textContent.includes("refused this token"));
            await settled(page);
            assert.ok(await page.locator("#requests .lock").isHidden());
            const took = await page.evaluate(() => requests.list.map(({ total_duration_ms }) => total_duration_ms));
            assert.deepEqual(took, [...took].sort((a, b) => b - a));

            // One that has read a file: phases within phases.
            const at = await page.evaluate(() => requests.list.findIndex(({ phases }) => phases.some(({ parent }) => parent !== null)));
            await page.locator("#requests tbody .name").nth(at).click();
            const rows = await page.locator("#waterfall tbody tr").evaluateAll((rows) => rows.map((row) => {
                const bar = row.querySelector("rect")?.getBoundingClientRect();
                return { name: row.cells[0].textContent, depth: Number(row.dataset.depth), left: bar?.left, right: bar?.right };
            }));
            const parent = rows.find(({ name }) => name === "file_io");
            const inner = rows.filter(({ depth }) => depth === 1);
            assert.ok(parent.depth === 0 && inner.length > 0, JSON.stringify(rows));
            for (const { left, right } of inner) assert.ok(left >= parent.left - 1 && right <= parent.right + 1, JSON.stringify(rows));
            assert.equal(rows.at(-1).name, "in no phase");
            await page.keyboard.press("Escape");
            assert.equal(await page.locator("#waterfall tbody tr").count(), 0);

            // The same by keys.
            await page.locator("#requests tbody .name").first().focus();
            await page.keyboard.press("Enter");
            assert.ok(await page.locator("#waterfall tbody tr").count() > 0);
            assert.equal(await page.locator("#requests tbody .name").first().getAttribute("aria-expanded"), "true");

            await page.getByRole("textbox", { name: "endpoint" }).fill("/scenes");
            await page.getByRole("combobox", { name: "order" }).selectOption("newest");
            await until(page, "the filtered list", () => requests.list.length > 0 && requests.list.every(({ endpoint }) => endpoint === "/scenes"));
            await page.getByRole("combobox", { name: "status" }).selectOption("5xx");
            await until(page, "an empty list", () => !document.querySelector("#requests .scroll .none").hidden);

            // The token is nowhere but in the page's memory.
            const kept = await page.evaluate(() => [location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage),
                document.documentElement.outerHTML].join());
            assert.ok(!kept.includes(TOKEN));
            await page.getByRole("button", { name: "Forget token" }).click();
            assert.ok(await page.locator("#flame .lock").isVisible() && await page.locator("#requests .lock").isVisible());
            // Nor is what it opened.
            assert.equal(await page.locator(":is(#requests, #flame) :is(tbody tr, [role=treeitem])").count(), 0);
        }, { expected: refused });
    },

    async flame(place) {
        await visit(place, [WIDE, PHONE], async (page) => {
            await settled(page);
            const box = (name) => page.evaluate((name) => {
                const found = flame.frames.find((frame) => frame.name === name);
                return { shown: found.shown, width: found.box.getBoundingClientRect().width };
            }, name);
            const whole = (await box("all")).width;
            assert.ok((await box("POST /scene")).width < whole - 1);
            await page.locator("#flame [role=treeitem]").evaluateAll((frames) => {
                frames.find((frame) => frame.getAttribute("aria-label").startsWith("POST /scene:")).dispatchEvent(new MouseEvent("click", { bubbles: true }));
            });
            assert.ok(Math.abs((await box("POST /scene")).width - whole) < 1);
            assert.equal((await box("GET /scene")).shown, false);
            assert.match(await text(page, "#flame .readout"), /^POST \/scene: /);
            await page.getByRole("button", { name: "Reset zoom" }).click();
            assert.ok((await box("POST /scene")).width < whole - 1);
            assert.equal((await box("GET /scene")).shown, true);

            await page.keyboard.press("/");
            await page.keyboard.type("SCENE_PARSE");
            assert.match(await text(page, "#flame output"), /^[\d.]+\u202f% in \d+ frames?$/);
            assert.ok(await page.locator("#flame .hit").count() > 0);
            await page.keyboard.press("Escape");
            assert.equal(await text(page, "#flame output"), "");

            // By keys: one stop, then from frame to frame.
            await page.locator("#flame [role=treeitem][tabindex='0']").focus();
            await page.keyboard.press("ArrowDown");
            await page.keyboard.press("ArrowRight");
            const name = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
            await page.keyboard.press("Enter");
            assert.equal(await page.evaluate(() => flame.zoom && told(flame.zoom)), name);
            await page.keyboard.press("Escape");
            assert.equal(await page.evaluate(() => flame.zoom), null);
            assert.equal(await page.locator("#flame [role=treeitem][tabindex='0']").count(), 1);
        });
    },

    async marker(place) {
        await visit(place, [WIDE], async (page) => {
            await ticks(page, 4);
            await figures(page, true);
            // Where the newest tick lies, and beside it where none is.
            const latency = await page.locator("#latency canvas").boundingBox();
            await page.mouse.move(latency.x + latency.width - 3, latency.y + 40);
            const marked = await page.evaluate(() => {
                const at = charts.map((chart) => ({ hidden: chart.marker.hidden, moment: chart.moment.textContent, plain: chart.plain, share:
                    (new DOMMatrix(getComputedStyle(chart.marker).transform).e - chart.left) / (chart.width - chart.left) }));
                return { at, cursor: clock(view.cursor) };
            });
            assert.ok(marked.at.length >= 17, `${marked.at.length} charts`);
            for (const { hidden, moment, share } of marked.at) {
                assert.equal(hidden, false);
                assert.equal(moment, marked.cursor);
                assert.ok(share > 0.95 && share <= 1.01, String(share));
            }
            for (const value of await values(page)) assert.match(value, /^[\d.\u2009]+(\u202f|$)/);
            const times = await page.locator(".panel .moment").allTextContents();
            assert.ok(times.length >= 11 && times.every((time) => time === marked.cursor), times.join());
            await page.keyboard.press("4");
            await page.mouse.move(latency.x + 52, latency.y + 40);
            assert.ok((await values(page)).every((value) => value === "–"), "values of a time of which nothing is known");

            await page.keyboard.press("1");
            // A click holds it.
            await page.mouse.click(latency.x + latency.width - 3, latency.y + 40);
            await page.mouse.move(5, 5);
            assert.equal(await page.locator("#rate .marker").isVisible(), true);
            await page.keyboard.press("Escape");
            assert.equal(await page.locator(".marker:not([hidden])").count(), 0);

            // By keys, and told.
            await page.locator("#rate canvas").focus();
            await page.keyboard.press("ArrowLeft");
            assert.equal(await page.locator(".marker:not([hidden])").count(), marked.at.length);
            assert.match(await text(page, "#said"), /^\d\d:\d\d:\d\d: 5xx .*, 2xx /);
        });
    },

    async keys(place) {
        await visit(place, [WIDE], async (page) => {
            const pressed = () => page.locator("#ranges [aria-pressed=true]").textContent();
            for (const [key, range] of [["1", "1 min"], ["2", "5 min"], ["3", "15 min"], ["4", "1 h"]]) {
                await page.keyboard.press(key);
                assert.equal(await pressed(), range);
            }
            assert.match(page.url(), /#range=3600$/);
            await ticks(page, 2);
            await page.keyboard.press(" ");
            assert.match(await text(page, "#said"), /^Paused at /);
            const seen = () => page.evaluate(() => [span().to, ...[...document.querySelectorAll(".value, .legend dd, #status td")].map((node) => node.textContent)].join());
            await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
            const before = await seen();
            await ticks(page, 3);
            assert.equal(await seen(), before);
            await until(page, "how far it is behind", () => /^paused at .* behind$/.test(document.getElementById("state").textContent));
            await page.keyboard.press(" ");
            await until(page, "live figures", () => document.getElementById("state").textContent === "live" && span().to === newest());

            // Where a key has a meaning of its own, it has that.
            await page.locator("#theme").focus();
            await page.keyboard.press(" ");
            assert.equal(await page.evaluate(() => [document.documentElement.dataset.theme, view.end].join()), "dark,");
            await page.locator("#requests .lock input").focus();
            await page.keyboard.type("1 4");
            assert.equal(await page.evaluate(() => [view.range, view.end].join()), "3600000,");
            await page.keyboard.press("Escape");
            await page.keyboard.press("?");
            assert.ok(await page.locator("#keys").isVisible());

            // The address brings the same view back.
            await page.reload();
            await until(page, "the first chart", () => performance.getEntriesByName("first-chart").length > 0);
            assert.equal(await pressed(), "1 h");
            assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
        });
    },

    // The test ends the server when it is told so by a file, and starts another one when it is told again.
    async restart(place) {
        const folder = place.split(" ")[1];
        const tell = (name) => writeFileSync(join(folder, name), "");
        const away = (message) => /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(message);
        await visit(place, [WIDE], async (page) => {
            await ticks(page, 3);
            const before = await page.evaluate(() => store.hello.started);
            tell("end");
            await until(page, "the loss to be told", () => document.getElementById("notices").textContent.startsWith("Reconnecting since "));
            assert.match(await text(page, "#state"), /^no connection for /);
            for (let tries = 0; !existsSync(join(folder, "ended")); tries += 1) {
                assert.ok(tries < 1200, "the server does not end while a page is open");
                await page.waitForTimeout(50);
            }
            tell("start");
            await until(page, "another server's figures", (before) => store.hello.started > before && store.length >= 2, before);
            await until(page, "the notice to go", () => document.getElementById("notices").textContent === "");
            // A new history in place of the old one.
            assert.ok(await page.evaluate(() => store.time[0] >= store.hello.started));
            await ticks(page, 2);
            await until(page, "live figures", () => document.getElementById("state").textContent === "live");
        }, { expected: away });
    },
};

runPart(parts);
