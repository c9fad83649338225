"use strict";
// What all parts use: elements, words for numbers, notices. Set first thing, so that the tables that the server wrote for who has no
// scripts never flash by; where this script fails before it shows anything, they come back.
const root = document.documentElement;
root.className = "js";
const byId = (id) => document.getElementById(id);
const NONE = "–";

// Text only ever becomes text: there is no way from here to markup.
function el(tag, props, ...children) {
  const made = tag === "svg" || tag === "rect" || tag === "text" || tag === "g" || tag === "title"
    ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

// Writes only what differs: the rest of the page then keeps its layout, and a selection stays.
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A name that came over the network: what turns or hides letters is shown as a dot.
const clean = (name) => String(name).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "·");

const grouped = (value) => String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, "\u2009");

// Three digits, and no more of them than a number of this size needs.
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 0.01) return value.toPrecision(1);
  if (size < 9.995) return value.toFixed(2);
  if (size < 99.95) return value.toFixed(1);
  return grouped(value);
}
const steps = (units) => (value) => {
  if (!Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  // Rounded up to 1000 of a unit is one of the next.
  const [least, unit] = units.find(([least]) => size >= least * 0.9995) ?? units.at(-1);
  return unit ? `${digits(value / least)}\u202f${unit}` : digits(value / least);
};
const big = steps([[1e9, "G"], [1e6, "M"], [1, ""]]);
const format = {
  seconds: steps([[3600, "h"], [120, "min"], [1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"]]),
  bytes: steps([[2 ** 40, "TiB"], [2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]]),
  rate: (value) => (Number.isFinite(value) ? `${big(value)}\u202f/s` : NONE),
  count: big,
  whole: (value) => (Math.abs(value) < 1e6 ? grouped(value) : big(value)),
  share: (value) => (Number.isFinite(value) ? `${digits(value * 100)}\u202f%` : NONE),
  cores: (value) => (Number.isFinite(value) ? value.toFixed(2) : NONE),
};
format.seconds = ((write) => (value) => (value === 0 ? "0" : write(value)))(format.seconds);

// How long something has lasted, in at most two parts.
function lasted(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [[Math.floor(seconds / 86400), "d"], [Math.floor(seconds / 3600) % 24, "h"], [Math.floor(seconds / 60) % 60, "min"],
    [seconds % 60, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  return first < 0 ? "0 s" : parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
}
const two = (number) => String(number).padStart(2, "0");
function clock(ms, seconds = true) {
  const at = new Date(ms);
  return `${two(at.getHours())}:${two(at.getMinutes())}${seconds ? `:${two(at.getSeconds())}` : ""}`;
}

const LEVELS = ["healthy", "degraded", "unhealthy"];
const SIGNS = ["✓", "!", "✕"];
// A sign and a word, so that colour is never all there is.
const levelText = (level) => (level in LEVELS ? `${SIGNS[level]} ${LEVELS[level]}` : "? unknown");

// Told to a screen reader: what changed, never what goes on each second.
function say(text) {
  if (document.body) write(byId("said"), text);
}

// One line at the head for as long as it holds; `null` takes it away.
const notices = new Map();
function notice(key, text, ...more) {
  if ((notices.get(key)?.text ?? null) === text) return;
  notices.get(key)?.line.remove();
  notices.delete(key);
  if (text === null || !document.body) return;
  const line = el("p", { role: "alert" }, text, ...more);
  notices.set(key, { text, line });
  byId("notices").append(line);
}
const reload = () => el("button", { type: "button", onclick: () => location.reload() }, "Reload");

// Whatever goes wrong is seen, and the rest goes on.
let shown = false;
function failed(cause) {
  if (!shown) root.className = "";
  notice("failed", `This page has a fault: ${cause?.message ?? cause}. What it shows may be old.`, reload());
}
addEventListener("error", (event) => failed(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => failed(event.reason));
