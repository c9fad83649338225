// A page in Debian's chromium that reports whatever goes wrong in it, and what it asks for from outside.
"use strict";
const { readFileSync } = require("node:fs");
const { chromium } = require("playwright-core");

// Runs `part` on a new page for each of the options, and fails if the page complained or if a request left for anything but
// `own`.
async function onPages(options, own, part) {
    const browser = await chromium.launch({ executablePath: process.env.TACHOGRAPH_CHROMIUM });
    try {
        for (const option of options) {
            const page = await browser.newPage(option);
            const faults = [];
            page.on("console", (message) => {
                if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
            });
            page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
            page.on("request", (request) => {
                if (!own(request.url())) faults.push(`request: ${request.url()}`);
            });
            await part(page, option);
            await page.close();
            if (faults.length) throw new Error(faults.join("\n"));
        }
    } finally {
        await browser.close();
    }
}

// Runs the part of a script that the first line of the input names, on the file that the second one names.
function runPart(parts) {
    const [name, file] = readFileSync(0, "utf8").split("\n");
    if (!parts[name]) throw new Error(`no part ${name}`);
    parts[name](file).catch((error) => {
        console.error(error.stack);
        process.exitCode = 1;
    });
}

module.exports = { onPages, runPart };
