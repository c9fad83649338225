// A page in Debian's chromium that reports whatever goes wrong in it, and what it asks for from outside.
"use strict";
const { readFileSync } = require("node:fs");
const { inBrowser } = require("./browser.js");

// Runs `part` on a new page for each of the options, and fails if the page complained or if a request left for anything but
// `own`. Complaints that `expected` knows are none.
async function onPages(options, own, part, expected = () => false) {
    await inBrowser(async (browser) => {
        for (const option of options) {
            const page = await browser.newPage(option);
            const faults = [];
            page.on("console", (message) => {
                if (["error", "warning"].includes(message.type()) && !expected(message.text())) faults.push(`console: ${message.text()}`);
            });
            page.on("pageerror", (error) => faults.push(`error: ${error.stack}`));
            page.on("request", (request) => {
                if (!own(request.url())) faults.push(`request: ${request.url()}`);
            });
            await part(page, option);
            await page.close();
            if (faults.length) throw new Error(faults.join("\n"));
        }
    });
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
