// The page is put together, drawn once a second, and driven by keys.
const title = document.title;
const look = { theme: "auto" };
const darkness = matchMedia("(prefers-color-scheme: dark)");
const systemTheme = () => (darkness.matches ? "dark" : "light");
// Before anything is painted.
root.dataset.theme = systemTheme();
let first = true;

// The address keeps how the page is looked at, so that a screen on a wall comes back as it was: #range=900&theme=dark
function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const range = Number(wanted.get("range"));
  if (RANGES.includes(range)) setRange(range, true);
  if (["light", "dark"].includes(wanted.get("theme"))) setTheme(wanted.get("theme"));
  return RANGES.includes(range);
}
function writeAddress(chosen) {
  const wanted = new URLSearchParams();
  if (chosen) wanted.set("range", view.range / 1000);
  if (look.theme !== "auto") wanted.set("theme", look.theme);
  history.replaceState(null, "", `${location.pathname}${location.search}${wanted.size ? `#${wanted}` : ""}`);
}

let rangeChosen = false;
function setRange(seconds, chosen) {
  rangeChosen ||= chosen;
  view.range = seconds * 1000;
  for (const button of byId("ranges").querySelectorAll("button")) button.setAttribute("aria-pressed", String(Number(button.dataset.range) === seconds));
  for (const chart of charts) chart.told = null;
  schedule();
}

function setTheme(theme) {
  look.theme = theme;
  root.dataset.theme = theme === "auto" ? systemTheme() : theme;
  write(byId("theme"), `Theme: ${theme}`);
  repaint();
}
const nextTheme = () => {
  // The first step is always one that can be seen.
  const order = darkness.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
  setTheme(order[(order.indexOf(look.theme) + 1) % 3]);
  writeAddress(rangeChosen);
};

let held = null;
function pause() {
  view.end = view.end === null ? newest() : null;
  held = view.end === null ? null : tables;
  const paused = view.end !== null;
  byId("pause").setAttribute("aria-pressed", String(paused));
  write(byId("pause"), paused ? "Resume" : "Pause");
  say(paused ? `Paused at ${clock(view.end)}` : "Live again");
  root.classList.toggle("paused", paused);
  schedule();
}

// Called when a history has taken the place of what was shown. That of a server that goes on has what is looked at, too.
function begun(goesOn) {
  makeStrips();
  if (goesOn) return;
  if (view.end !== null) pause();
  letGo();
  health = NaN;
}
function letGo() {
  view.pinned = false;
  root.classList.remove("pinned");
  mark(null);
}
function followed() {
  if (!first) return;
  first = false;
  shown = true;
  // A service that has just been started fills a minute, not an hour.
  if (!rangeChosen) setRange(store.length * store.tick < 90e3 ? 60 : 300, false);
  for (const button of byId("ranges").querySelectorAll("button")) button.disabled = Number(button.dataset.range) > Math.max(60, (Number(store.hello.history_s) || 3600));
}

function showState() {
  const age = performance.now() - link.heard;
  const texts = { connecting: "connecting…", live: "live", lost: `no connection for ${lasted(Date.now() - link.since)}` };
  const paused = view.end === null ? null : `paused at ${clock(view.end)}, ${lasted(newest() - view.end)} behind`;
  write(byId("state"), link.state === "live" ? paused ?? (age > 4000 ? `no news for ${lasted(age)}` : texts.live) : texts[link.state]);
  const { started } = store.hello ?? {};
  write(byId("uptime"), started ? `up ${lasted(newest() - started)}` : "\u00a0");
}

function render() {
  frame = 0;
  if (!store.hello) return showState();
  const start = performance.now();
  const live = tables;
  if (held) tables = held;
  const row = current();
  const looked = span();
  showPanels();
  // The tiles are of now, also while a marker is elsewhere.
  fillTiles(looked.last - 1);
  fillStrips(row);
  fillTables();
  fillFigures();
  for (const chart of charts) {
    if (chart.visible && chart.plot.isConnected) chart.draw(looked);
    chart.note(looked, row);
  }
  tables = live;
  showState();
  if (store.length && !performance.getEntriesByName("first-chart").length) performance.mark("first-chart");
  root.dataset.drawn = (performance.now() - start).toFixed(1);
  return undefined;
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  const typing = target.closest("input, select, textarea");
  if (event.key === "Escape") {
    if (typing && target.value !== undefined && target.tagName === "INPUT") {
      target.value = "";
      target.dispatchEvent(new Event("input"));
      target.blur();
    } else if (view.cursor !== null) {
      letGo();
    } else if (flame.zoom) zoom(null);
    else if (requests.open) choose(null);
    else byId("keys").hidden = true;
    return;
  }
  if (typing) return;
  if (event.key === " ") {
    // Where a key of its own does something, it does that.
    if (target.closest("button, summary, a, [role=button], [role=treeitem]")) return;
    event.preventDefault();
    pause();
  } else if (event.key >= "1" && event.key <= "4") {
    const button = byId("ranges").querySelectorAll("button")[event.key - 1];
    if (!button.disabled) button.click();
  } else if (event.key === "/") {
    const input = token === null ? locked.at(-1)?.input : flame.search;
    if (!input || input.closest("[hidden]")) return;
    event.preventDefault();
    input.focus();
    input.scrollIntoView({ block: "center" });
  } else if (event.key === "t") nextTheme();
  else if (event.key === "?") byId("keys").hidden = !byId("keys").hidden;
}

function start() {
  makeTiles();
  makePanels();
  for (const seconds of RANGES) {
    byId("ranges").append(el("button", { type: "button", "data-range": seconds, "aria-pressed": "false", onclick() {
      setRange(seconds, true);
      writeAddress(true);
      say(`The last ${lasted(seconds * 1000)}`);
    } }, seconds < 3600 ? `${seconds / 60} min` : "1 h"));
  }
  setRange(300, false);
  byId("pause").addEventListener("click", pause);
  byId("theme").addEventListener("click", nextTheme);
  byId("help").addEventListener("click", () => {
    byId("keys").hidden = !byId("keys").hidden;
  });
  setTheme("auto");
  readAddress();
  darkness.addEventListener("change", () => setTheme(look.theme));
  document.addEventListener("keydown", key);
  document.addEventListener("visibilitychange", schedule);
  setInterval(() => {
    if (document.hidden) return;
    if (link.state !== "live") schedule();
    refresh(false);
  }, 1000);
  connect();
}
addEventListener("DOMContentLoaded", start);
