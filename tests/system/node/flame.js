// What a person finds who opens a flame graph. `tests/flame_graph.rs` says which part is to look at which file, and what is
// in it.
"use strict";
const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const { basename, dirname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { onPages, runPart } = require("./page.js");

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WIDE = { viewport: { width: 1440, height: 900 } };
const SOURCES = join(__dirname, "../../../src/profile/flame/svg");

// Opens the file as it is on pages of these options.
const opened = (file, options, part) => {
    const url = pathToFileURL(file).href;
    return onPages(options, (asked) => asked === url, async (page, option) => {
        await page.goto(url);
        await part(page, option);
    });
};

// The frame of that name: its box, its label, and what is said about its state.
const frame = (page, name) => page.evaluate((name) => {
    const named = (element) => element.querySelector("title").textContent.split("\n")[0] === name;
    const element = [...document.querySelectorAll("[role=treeitem]")].find(named);
    if (!element) throw new Error(`no frame ${name}`);
    const { x, y, width } = element.querySelector("rect").getBoundingClientRect();
    const label = element.querySelector("text");
    return {
        x, y, width,
        label: label?.textContent ?? "",
        labelWidth: label?.getComputedTextLength() ?? 0,
        shown: element.getAttribute("display") !== "none",
        above: element.classList.contains("above"),
        found: element.classList.contains("found"),
        focused: document.activeElement === element,
    };
}, name);

const click = async (page, name) => {
    const { x, y, width } = await frame(page, name);
    await page.mouse.click(x + width / 2, y + 12);
};

// Waits until a frame is as it should be, and says what it was if it does not get so.
async function becomes(page, name, wanted) {
    const end = Date.now() + 5_000;
    for (;;) {
        const found = await frame(page, name);
        const differing = Object.entries(wanted).filter(([key, value]) => {
            return typeof value === "number" ? Math.abs(found[key] - value) > 1 : found[key] !== value;
        });
        if (differing.length === 0) return found;
        if (Date.now() > end) assert.deepEqual(found, { ...found, ...wanted }, name);
        await page.waitForTimeout(20);
    }
}

const details = (page) => page.locator(".detail").allTextContents();
const status = (page) => page.locator("output").textContent();

const parts = {
    async zoom(file) {
        const [moving, still] = ["no-preference", "reduce"].map((reducedMotion) => ({ reducedMotion }));
        const options = [{ ...WIDE, ...moving }, { ...PHONE, ...moving }, { ...WIDE, ...still }];
        await opened(file, options, async (page, option) => {
            const whole = (await frame(page, "all")).width;
            assert.ok(whole > option.viewport.width * 0.9);
            const before = await frame(page, "fsync");
            assert.ok(before.width < whole / 2);
            await click(page, "fsync");
            if (option.reducedMotion === "reduce") assert.ok((await frame(page, "fsync")).width > whole - 1, "it moved");
            const zoomed = await becomes(page, "fsync", { width: whole, focused: true, label: "fsync" });
            assert.equal(zoomed.y, before.y);
            await becomes(page, "POST /scene", { width: whole, above: true, shown: true });
            await becomes(page, "GET /scene", { shown: false });

            await page.keyboard.press("Escape");
            await becomes(page, "fsync", { x: before.x, width: before.width, label: before.label });
            await becomes(page, "GET /scene", { shown: true });
            await click(page, "POST /scene");
            await becomes(page, "POST /scene", { width: whole });
            await click(page, "all");
            await becomes(page, "fsync", { width: before.width });
            await click(page, "fsync");
            await becomes(page, "fsync", { width: whole });
            await page.getByRole("button", { name: "Zoom out" }).click();
            await becomes(page, "fsync", { width: before.width });
        });
    },

    async labels(file) {
        await opened(file, [WIDE, PHONE], async (page) => {
            const names = await page.evaluate(() => {
                const titles = [...document.querySelectorAll("[role=treeitem] > title")];
                return titles.map((title) => title.textContent.split("\n")[0]);
            });
            const check = async () => {
                for (const name of names) {
                    const { label, labelWidth, width } = await frame(page, name);
                    assert.ok(labelWidth === 0 || labelWidth + 5 <= width, `${label} of ${name} does not fit`);
                    const shortened = label.endsWith("…") && name.startsWith(label.slice(0, -1));
                    assert.ok(label === "" || label === name || shortened, label);
                    assert.ok(label !== "" || width < 40, `${name} has no label in ${width} pixels`);
                }
            };
            await check();
            const { label } = await frame(page, "response_serialization");
            await page.setViewportSize({ width: 700, height: 600 });
            const resized = async () => (await frame(page, "response_serialization")).label !== label;
            for (let tries = 0; !(await resized()); tries += 1) {
                assert.ok(tries < 100, "it is not laid out again");
                await page.waitForTimeout(20);
            }
            await check();
        });
    },

    async search(file) {
        await opened(file, [WIDE, PHONE], async (page) => {
            for (const open of ["/", "Control+f"]) {
                await page.keyboard.press(open);
                await page.keyboard.type("FILE");
                // One of the three lies in another one, 10 + 30 of 100 are counted.
                assert.equal(await status(page), "40.00 % in 3 frames");
                assert.ok((await frame(page, "file_io")).found && !(await frame(page, "all")).found);
                await page.keyboard.press("Escape");
                assert.equal(await status(page), "");
                assert.ok(!(await frame(page, "file_io")).found);
                await becomes(page, "all", { focused: true });
            }
            const search = page.getByRole("searchbox", { name: "Search frames" });
            for (const [text, answer] of [
                ["/^(fsync|file_io)$/", "30.00 % in 2 frames"],
                ["/POST .S/", "80.00 % in 1 frame"],
                ["/(/", "not a regular expression"],
                ["nothing like it", "no frame"],
                ["all", "100.00 % in 1 frame"],
                ["", ""],
            ]) {
                await search.fill(text);
                assert.equal(await status(page), answer, text);
            }
        });
    },

    async keys(file) {
        await opened(file, [WIDE], async (page) => {
            // The frames are one stop together, after the search line.
            await page.keyboard.press("/");
            await page.keyboard.press("Tab");
            for (const [key, name] of [
                ["", "all"],
                ["ArrowDown", "GET /scene"],
                ["ArrowRight", "POST /scene"],
                ["ArrowRight", "POST /scene"],
                ["ArrowDown", "auth_validation"],
                ["ArrowRight", "file_io"],
                ["ArrowDown", "file_io: write"],
                ["ArrowUp", "file_io"],
                ["ArrowLeft", "auth_validation"],
                ["ArrowUp", "POST /scene"],
            ]) {
                if (key) await page.keyboard.press(key);
                await becomes(page, name, { focused: true });
                assert.equal((await details(page))[0], name);
            }
            const whole = (await frame(page, "all")).width;
            for (const key of ["Enter", " "]) {
                await page.keyboard.press(key);
                await becomes(page, "POST /scene", { width: whole, focused: true });
                await page.keyboard.press("ArrowLeft");
                await becomes(page, "POST /scene", { focused: true });
                await page.keyboard.press("Escape");
                await becomes(page, "POST /scene", { width: whole * 0.8, focused: true });
            }
            await page.keyboard.press("Home");
            await becomes(page, "all", { focused: true });
            assert.equal(await page.evaluate(() => document.querySelectorAll("[role=treeitem][tabindex='0']").length), 1);
        });
    },

    // What the browser tells a screen reader.
    async spoken(file) {
        await opened(file, [WIDE], async (page) => {
            const session = await page.context().newCDPSession(page);
            const { nodes } = await session.send("Accessibility.getFullAXTree");
            const role = (wanted) => nodes.filter((node) => !node.ignored && node.role.value === wanted);
            const names = role("treeitem").map((node) => node.name.value.replaceAll(/\s+/g, " "));
            assert.ok(names.includes("POST /scene total 80.0 ms, 80.00 % · own 10.0 ms"), names.join("\n"));
            const level = (node) => node.properties.find((property) => property.name === "level")?.value.value;
            assert.deepEqual(new Set(role("treeitem").map(level)), new Set([1, 2, 3, 4]));
            assert.equal(role("tree").length, 1);
            assert.equal(role("searchbox").length, 1);
            assert.equal(role("button").length, 1);
            assert.equal(role("status").length, 1);
        });
    },

    async numbers(file) {
        await opened(file, [WIDE, PHONE], async (page, option) => {
            const { x, y } = await frame(page, "file_io");
            await page.mouse.move(x + 5, y + 12);
            assert.deepEqual(await details(page), ["file_io", "total 30.0 ms, 30.00 % · own 15.0 ms"]);
            const right = await page.evaluate(() => {
                const texts = [...document.querySelectorAll(".title, .note, .detail")];
                return Math.max(...texts.map((text) => text.getBoundingClientRect().right));
            });
            assert.ok(right <= option.viewport.width);
            await page.mouse.move(5, 600);
            assert.match((await details(page))[0], /^Click a frame/);
        });
    },

    // Letters on every colour are at least as far from it as WCAG wants, in frames above the zoomed one, too.
    async contrast(file) {
        const schemes = ["light", "dark"].map((colorScheme) => ({ ...WIDE, colorScheme }));
        await opened(file, schemes, async (page, { colorScheme }) => {
            const steps = [1, 2, 3, 4, 5].flatMap((step) => [`grew${step}`, `shrank${step}`]);
            const warm = Array.from({ length: 12 }, (_, index) => `c${index}`);
            const classes = [...warm, "u", "even", ...steps, "c0 found"];
            const contrasts = await page.evaluate((classes) => {
                const numbers = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
                const linear = (part) => (part <= 10.31 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
                const luminance = (colour) => {
                    const [red, green, blue] = colour.map(linear);
                    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
                };
                const element = document.querySelector("[role=treeitem]");
                const background = numbers(getComputedStyle(document.documentElement).backgroundColor);
                return classes.flatMap((name) => ["", " above"].map((above) => {
                    element.setAttribute("class", name + above);
                    const [text, rect] = ["text", "rect"].map((part) => getComputedStyle(element.querySelector(part)));
                    const opacity = Number(rect.fillOpacity);
                    const fill = numbers(rect.fill).map((value, index) => value * opacity + background[index] * (1 - opacity));
                    const [light, dark] = [numbers(text.fill), fill].map(luminance).sort((one, other) => other - one);
                    return [[name + above, (light + 0.05) / (dark + 0.05)]];
                }).flat());
            }, classes);
            assert.deepEqual(contrasts.filter(([, contrast]) => contrast < 4.5), [], colorScheme);
        });
    },

    // A page with a strict policy shows the frames by the same script.
    async embedded(file) {
        const site = "http://flame.test/";
        const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";
        const served = {
            "": ["text/html", "<!doctype html><title>Page</title><link rel=stylesheet href=flame.css><main></main>" +
                "<script src=flame.js></script><script src=page.js></script>"],
            "flame.js": ["text/javascript", readFileSync(join(SOURCES, "flame.js"))],
            "flame.css": ["text/css", readFileSync(join(SOURCES, "flame.css"))],
            "page.js": ["text/javascript", `fetch("graph.svg").then((answer) => answer.text()).then((text) => {
                // Before it is parsed: the policy refuses a style in any document. Names hold no "<".
                const bare = text.replace(/<(style|script)>[^]*?<.\\1>/g, "");
                const svg = new DOMParser().parseFromString(bare, "image/svg+xml").documentElement;
                document.querySelector("main").append(svg);
                tachographFlame(svg);
            });`],
            "graph.svg": ["image/svg+xml", readFileSync(file)],
            "favicon.ico": ["image/x-icon", ""],
        };
        await onPages([WIDE, PHONE], (url) => url.startsWith(site), async (page) => {
            await page.route(`${site}**`, (route) => {
                const [contentType, body] = served[route.request().url().slice(site.length)];
                return route.fulfill({ contentType, body, headers: { "content-security-policy": policy } });
            });
            await page.goto(site);
            await page.locator("foreignObject").waitFor({ state: "attached" });
            const whole = (await frame(page, "all")).width;
            await click(page, "fsync");
            await becomes(page, "fsync", { width: whole, focused: true });
            // Colours have come from the page's own style.
            const fill = await page.evaluate(() => getComputedStyle(document.querySelector("[role=treeitem] rect")).fill);
            assert.notEqual(fill, "rgb(0, 0, 0)");
        });
    },

    // Without scripts the frames are there, with labels and numbers.
    async scriptless(file) {
        await opened(file, [{ ...WIDE, javaScriptEnabled: false }], async (page) => {
            const { width } = await frame(page, "all");
            const { label, width: part } = await frame(page, "POST /scene");
            assert.deepEqual([label, Math.round(part / width * 100)], ["POST /scene", 80]);
            assert.equal(await page.locator("foreignObject").count(), 0);
            assert.equal((await details(page))[0], "Point at a frame to see its numbers");
            await page.screenshot({ path: join(dirname(file), `${basename(file, ".svg")}-scriptless.png`) });
        });
    },

    // Pictures for people, and nothing is wider than the screen.
    async pictures(file) {
        const options = [PHONE, WIDE].flatMap((size) => ["light", "dark"].map((colorScheme) => ({ ...size, colorScheme })));
        await opened(file, options, async (page, { colorScheme, viewport }) => {
            await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
            const { scrollWidth } = await page.evaluate(() => ({ scrollWidth: document.documentElement.scrollWidth }));
            assert.ok(scrollWidth <= viewport.width, `${scrollWidth} pixels wide`);
            const name = `${basename(file, ".svg")}-${viewport.width}x${viewport.height}-${colorScheme}.png`;
            await page.screenshot({ path: join(dirname(file), name) });
        });
    },

    // Thousands of frames open and zoom at once for a person, and a graph of nothing says so.
    async many(file) {
        await opened(file, [WIDE], async (page) => {
            assert.equal(await page.locator("[role=treeitem]").count(), 2_000);
            const whole = (await frame(page, "all")).width;
            const start = Date.now();
            await click(page, "GET /route/7");
            await becomes(page, "GET /route/7", { width: whole });
            assert.ok(Date.now() - start < 3_000, `${Date.now() - start} ms`);
        });
    },

    // Names that try to be more than names.
    async hostile(file) {
        await opened(file, [WIDE], async (page) => {
            assert.equal(await page.evaluate(() => document.querySelectorAll("script").length), 1);
            assert.equal(await page.evaluate(() => document.querySelectorAll("img, b").length), 0);
            assert.ok(await page.locator("[role=treeitem]").count() > 3);
            await click(page, "POST /scene");
            await becomes(page, "POST /scene", { focused: true, width: (await frame(page, "all")).width });
        });
    },

    async nothing(file) {
        await opened(file, [WIDE, PHONE], async (page) => {
            assert.equal(await page.locator(".none").textContent(), "no requests match");
            await page.keyboard.press("/");
            await page.keyboard.press("Escape");
        });
    },
};

runPart(parts);
