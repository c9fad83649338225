// Draws a tree by d3-flame-graph and prints as JSON what is seen: the frames, then those after a click on one of them, what is
// said about that one, and the frames after a click on the root, which zooms out again.
// Usage: node d3_flame_graph.js < INPUT, with NODE_PATH and TACHOGRAPH_CHROMIUM set. The first line of the input is the name
// of the frame to click, the rest is the tree.
"use strict";
const { readFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { onPages } = require("./page.js");

const SCRIPTS = [join(dirname(require.resolve("d3")), "../dist/d3.min.js"), require.resolve("d3-flame-graph")];

// Draws with what is the default, but at once, and compared if there is something to compare.
function draw(tree) {
    const chart = flamegraph.default().width(1000).transitionDuration(0);
    chart.setDetailsElement(document.querySelector("#details"));
    if ("delta" in tree) chart.setColorMapper(flamegraph.colorMapper.differentialColorMapper);
    d3.select("#chart").datum(tree).call(chart);
}

// The library sets widths and labels a moment later, also where nothing moves.
const isSettled = () => [...document.querySelectorAll("#chart g")].every((frame) => {
    const [rect, label] = [frame.querySelector("rect"), frame.querySelector("foreignObject div")];
    return rect.getAttribute("width") === frame.getAttribute("width") && label.textContent === frame.getAttribute("name");
});

const seen = () => [...document.querySelectorAll("#chart g")].map((frame) => {
    const rect = frame.querySelector("rect");
    const { x, bottom, width, height } = rect.getBoundingClientRect();
    const chart = document.querySelector("#chart svg").getBoundingClientRect();
    return {
        name: frame.getAttribute("name"),
        label: frame.querySelector("foreignObject div").innerText,
        title: frame.querySelector("title").textContent,
        x: x - chart.x, width,
        depth: (chart.bottom - bottom) / height,
        fill: getComputedStyle(rect).fill.match(/\d+/g).map(Number),
        faded: frame.classList.contains("fade"),
    };
});

async function click(page, name) {
    const box = await page.evaluate((name) => {
        const frame = [...document.querySelectorAll("#chart g")].find((frame) => frame.getAttribute("name") === name);
        if (!frame) throw new Error(`no frame ${name}`);
        const { x, y, width, height } = frame.querySelector("rect").getBoundingClientRect();
        return { x: x + width / 2, y: y + height / 2 };
    }, name);
    await page.mouse.click(box.x, box.y);
    await page.waitForFunction(isSettled);
}

async function look(page, name, tree) {
    // The details are below, where they move nothing when there is something to say.
    await page.setContent('<!doctype html><div id="chart"></div><div id="details"></div>');
    for (const path of SCRIPTS) await page.addScriptTag({ path });
    await page.evaluate(draw, tree);
    await page.waitForFunction(isSettled);
    const drawn = await page.evaluate(seen);
    await click(page, name);
    const zoomed = await page.evaluate(seen);
    const details = await page.textContent("#details");
    await click(page, tree.name);
    return { drawn, zoomed, details, back: await page.evaluate(seen) };
}

(async () => {
    const [name, tree] = readFileSync(0, "utf8").split("\n");
    await onPages([{ viewport: { width: 1200, height: 800 } }], () => false, async (page) => {
        console.log(JSON.stringify(await look(page, name, JSON.parse(tree))));
    });
})().catch((error) => {
    console.error(error.stack);
    process.exitCode = 1;
});
