// How the live page looks: on a phone and on a wide screen, in light and in dark, to who reads it with a machine, and without scripts.
"use strict";
const { join } = require("node:path");
const { runPart } = require("./page.js");
const { assert, PHONE, WIDE, ticks, unlocked, until, visit } = require("./page_visit.js");

const LOOKS = [PHONE, WIDE, { viewport: { width: 800, height: 1000 } }].flatMap((size) => ["light", "dark"].map((colorScheme) => ({ ...size, colorScheme })));

const parts = {
    async layout(place) {
        const folder = place.split(" ")[1];
        await visit(place, LOOKS, async (page, { viewport, colorScheme }) => {
            await ticks(page, 4);
            await unlocked(page);
            await page.locator("#requests tbody .name").first().click();
            const found = await page.evaluate(() => {
                const boxes = [...document.querySelectorAll(".tile, .panel, .bar")].filter((node) => !node.closest("[hidden]"))
                    .map((node) => ({ id: node.id || node.className, box: node.getBoundingClientRect(), sticks: node.className === "bar" }));
                const wrong = [];
                for (const [at, one] of boxes.entries()) {
                    if (one.box.left < 0 || one.box.right > innerWidth + 0.5) wrong.push(`${one.id} is off the screen`);
                    for (const other of boxes.slice(at + 1)) {
                        if (one.sticks || other.sticks) continue;
                        if (one.box.left < other.box.right - 0.5 && other.box.left < one.box.right - 0.5 && one.box.top < other.box.bottom - 0.5
                            && other.box.top < one.box.bottom - 0.5) wrong.push(`${one.id} lies over ${other.id}`);
                    }
                }
                for (const panel of document.querySelectorAll(".panel, .tile")) {
                    const outer = panel.getBoundingClientRect();
                    for (const node of panel.querySelectorAll("*")) {
                        if (node.closest(".scroll, .fall, svg, .unseen, [hidden]") !== null) continue;
                        const { left, right, bottom, width } = node.getBoundingClientRect();
                        if (width && (left < outer.left - 1 || right > outer.right + 1 || bottom > outer.bottom + 1)) {
                            wrong.push(`${node.tagName} ${node.className} is out of ${panel.id}`);
                        }
                    }
                }
                return { wrong, wide: document.documentElement.scrollWidth };
            });
            assert.deepEqual(found.wrong, []);
            assert.ok(found.wide <= viewport.width, `${found.wide} pixels wide`);
            await page.evaluate(() => scrollTo(0, 0));
            await page.screenshot({ path: join(folder, `page-${viewport.width}x${viewport.height}-${colorScheme}.png`) });
            // All of it, drawn.
            const height = await page.evaluate(() => document.documentElement.scrollHeight);
            await page.setViewportSize({ width: viewport.width, height });
            await ticks(page, 1);
            await page.screenshot({ path: join(folder, `page-${viewport.width}-whole-${colorScheme}.png`) });
        });
    },

    // Nothing moves while figures come in.
    async still(place) {
        await visit(place, [WIDE, PHONE], async (page) => {
            await ticks(page, 4);
            const boxes = () => page.locator(".tile, .panel").evaluateAll((nodes) => nodes.map((node) => {
                const { x, y, width, height } = node.getBoundingClientRect();
                return [node.id, x, y, width, height].join();
            }));
            const before = await boxes();
            await ticks(page, 4);
            assert.deepEqual(await boxes(), before);
        });
    },

    // Letters are at least as far from what is behind them as WCAG wants.
    async contrast(place) {
        await visit(place, LOOKS, async (page) => {
            await ticks(page, 2);
            await unlocked(page);
            await page.locator("#requests tbody .name").first().click();
            await page.keyboard.press("?");
            const poor = await page.evaluate(() => {
                const parts = (colour) => {
                    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
                    return colour.startsWith("color(") ? [red * 255, green * 255, blue * 255, alpha] : [red, green, blue, alpha];
                };
                const linear = (part) => (part <= 10.31 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
                const luminance = ([red, green, blue]) => 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
                const over = ([r, g, b, a], under) => [r, g, b].map((part, at) => part * a + under[at] * (1 - a));
                const behind = (node) => {
                    if (!node) return [255, 255, 255];
                    const style = getComputedStyle(node);
                    const own = parts(style.backgroundColor);
                    // The bar behind a name, too.
                    const bar = /^linear-gradient\((rgba?\([^)]*\))/.exec(style.backgroundImage);
                    let found = own[3] === 1 ? own : over(own, behind(node.parentElement));
                    if (bar) found = over(parts(bar[1]), found);
                    return found;
                };
                const wrong = [];
                let judged = 0;
                const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (walker.nextNode()) {
                    const node = walker.currentNode.parentElement;
                    if (!walker.currentNode.data.trim() || node.closest("[hidden], .unseen, script, style, #figures, :disabled, .skip, noscript")) continue;
                    const svg = node.closest("svg");
                    const letters = parts(svg ? getComputedStyle(node).fill : getComputedStyle(node).color);
                    const ground = svg ? parts(getComputedStyle(node.closest("g").querySelector("rect")).fill) : behind(node);
                    const [light, dark] = [luminance(over(letters, ground)), luminance(ground)].sort((a, b) => b - a);
                    const contrast = (light + 0.05) / (dark + 0.05);
                    judged += 1;
                    if (contrast < 4.5) wrong.push(`${contrast.toFixed(2)}: ${node.tagName} ${node.className.baseVal ?? node.className} ${walker.currentNode.data.slice(0, 40)}`);
                }
                // What is drawn on canvas is of the theme's colours: letters 4.5, lines and areas 3.
                const colour = (text) => {
                    const probe = document.createElement("i");
                    probe.style.color = text;
                    document.body.append(probe);
                    const found = parts(getComputedStyle(probe).color);
                    probe.remove();
                    return found;
                };
                const panel = luminance(colour(palette.panel));
                for (const [name, least] of [["dim", 4.5], ["ink", 4.5], ["c1", 3], ["c2", 3], ["c3", 3], ["c4", 3], ["c5", 3], ["c6", 3], ["bad", 3]]) {
                    const [light, dark] = [luminance(colour(palette[name])), panel].sort((a, b) => b - a);
                    const contrast = (light + 0.05) / (dark + 0.05);
                    if (contrast < least) wrong.push(`${contrast.toFixed(2)}: --${name}`);
                }
                return { wrong, judged };
            });
            assert.ok(poor.judged > 100, `${poor.judged} texts`);
            assert.deepEqual(poor.wrong, []);
        });
    },

    // What the browser tells a screen reader.
    async spoken(place) {
        await visit(place, [WIDE], async (page) => {
            await ticks(page, 4);
            await unlocked(page);
            await until(page, "figures in the words of all charts", () => charts.every(({ canvas }) => !/now –|: none$|not known/.test(canvas.getAttribute("aria-label"))));
            const session = await page.context().newCDPSession(page);
            const { nodes } = await session.send("Accessibility.getFullAXTree");
            const seen = nodes.filter((node) => !node.ignored);
            const named = (role) => seen.filter((node) => node.role.value === role).map((node) => node.name?.value ?? "");
            for (const role of ["button", "link", "textbox", "searchbox", "combobox", "spinbutton", "image", "region", "table", "tree", "treeitem", "row", "group"]) {
                if (role === "row" || role === "group") continue;
                assert.ok(named(role).length > 0, `no ${role}`);
                for (const name of named(role)) assert.ok(name.trim() !== "", `a ${role} has no name`);
            }
            // A chart says in words what it shows.
            const images = named("image");
            for (const start of ["Requests a second by status class, last ", "Share of requests", "Latency of the last 10 seconds", "Latency heat map", "Health of memory"]) {
                assert.ok(images.some((name) => name.startsWith(start)), `${start} in\n${images.join("\n")}`);
            }
            assert.ok(images.some((name) => /2xx: now [\d.]+\u202f\/s, least [\d.]+\u202f\/s, most [\d.]+\u202f\/s/.test(name)), images.join("\n"));
            const headings = seen.filter((node) => node.role.value === "heading").map((node) => node.properties.find(({ name }) => name === "level").value.value);
            assert.deepEqual(headings.filter((level) => level === 1).length, 1);
            assert.equal(named("main").length, 1);
            // Told when something changes, not each second.
            await page.evaluate(() => {
                window.heard = [];
                const hear = () => heard.push(document.getElementById("said").textContent);
                new MutationObserver(hear).observe(document.getElementById("said"), { childList: true, characterData: true, subtree: true });
            });
            await ticks(page, 3);
            // On a busy machine health may change, and is told.
            assert.deepEqual((await page.evaluate(() => heard)).filter((text) => !text.startsWith("The service is ")), []);
            // One can get everywhere by the tab key, and sees where one is.
            await page.evaluate(() => scrollTo(0, 0));
            const stops = new Set();
            for (let press = 0; press < 120; press += 1) {
                await page.keyboard.press("Tab");
                const stop = await page.evaluate(() => {
                    const at = document.activeElement;
                    if (!at || at === document.body) return null;
                    const shown = getComputedStyle(at).outlineStyle !== "none" || getComputedStyle(at.querySelector?.("rect") ?? at).stroke !== "none";
                    return [shown ? "" : "unseen ", at.closest(".panel, .bar")?.id || at.id || at.className].join("");
                });
                if (stop) stops.add(stop);
            }
            assert.deepEqual([...stops].filter((stop) => stop.startsWith("unseen ")), []);
            for (const id of ["rate", "latency", "heat", "health", "slowest", "requests", "flame", "figures-panel"]) assert.ok(stops.has(id), `${id} of ${[...stops]}`);
        });
    },

    async scriptless(place) {
        const folder = place.split(" ")[1];
        const options = [WIDE, PHONE].flatMap((size) => ["light", "dark"].map((colorScheme) => ({ ...size, colorScheme, javaScriptEnabled: false })));
        // The figures are of the last tick: the first one may be to come.
        const kinds = ["endpoints", "scenes", "auth", "checks", "status"];
        await visit(place, [WIDE], (page) => until(page, "figures", (kinds) => store.length > 2 && kinds.every((name) => list(name).length > 0), kinds));
        await visit(place, options, async (page, { viewport, colorScheme }) => {
            assert.ok(await page.locator("#figures").isVisible());
            assert.ok(!(await page.locator("main.only").isVisible()));
            assert.match(await page.locator("#figures tr").filter({ hasText: "Health" }).first().textContent(), /healthy/);
            assert.ok(await page.locator("#figures table").count() > 4);
            assert.equal(await page.locator("noscript meta[http-equiv=refresh]").count() + await page.locator("meta[http-equiv=refresh]").count() > 0, true);
            // Without scripts in the page there is none to ask about it, but where its boxes are.
            for (const table of await page.locator("#figures table").all()) {
                const { x, width } = await table.boundingBox();
                assert.ok(x >= 0 && x + width <= viewport.width, `${await table.locator("caption").textContent()}: ${x} and ${width} wide`);
            }
            await page.screenshot({ path: join(folder, `page-scriptless-${viewport.width}-${colorScheme}.png`) });
        });
    },
};

runPart(parts);
