// Which panels there are, and the tiles above them.
const panels = [];

// `keys`: the panel is left out for a service that has none of them.
function panel(id, title, size, { keys = [], list = null, needs = null, chart = null, note = null, body = [] }) {
  const node = el("section", { class: `panel ${size}`, id, "aria-labelledby": `${id}-title` },
    el("header", {}, el("h2", { id: `${id}-title` }, title), chart?.moment, note),
    chart?.plot, chart?.readout, chart?.scaleBar, chart && chart.series.length > 0 ? chart.legend : null, body);
  panels.push({ node, keys, list, needs });
  return node;
}
const series = (key, name, colour, dash, label) => ({ key, name, colour, dash, label: label ?? name });

const strips = [];
let stripBody = null;
let healthMoment = null;

function makePanels() {
  makeTables();
  const rate = new Chart({ title: "Requests a second by status class", unit: "rate", least: 1, kind: "stack", series: [
    series("r5", "5xx", "c5", 4, "responses 5xx"), series("r4", "4xx", "c3", 0, "responses 4xx"), series("r3", "3xx", "c4", 0, "responses 3xx"),
    series("r2", "2xx", "c1", 0, "responses 2xx"), series("ro", "other", "c6", 0, "other responses")] });
  const errors = new Chart({ title: "Share of requests that failed", unit: "share", least: 0.01, series: [
    series("bad", "5xx, the server's", "c5", 3, "share of 5xx"),
    // Told, not drawn: what clients do wrong would make small what the server does.
    { ...series("refused", "4xx, the clients'", "none", 0, "share of 4xx"), told: true }] });
  const latency = new Chart({ title: "Latency of the last 10 seconds", unit: "seconds", least: 0.001, series: [
    series("p50", "p50", "c1", 0, "latency p50"), series("p90", "p90", "c4", 1, "latency p90"), series("p95", "p95", "c3", 3, "latency p95"),
    series("p99", "p99", "c5", 2, "latency p99")] });
  const heat = new Heat("Latency heat map");
  const conn = new Chart({ title: "Connections open", unit: "whole", least: 4, limit: "connmax", series: [series("conn", "open", "c1", 0, "connections open")] });
  const scenes = new Chart({ title: "Scene loads a second", unit: "rate", least: 1, series: [
    series("sok", "loaded", "c1", 0, "scene loads"), series("serr", "failed", "c5", 3, "scene errors")] });
  const auth = new Chart({ title: "Authentications a second", unit: "rate", least: 1, series: [
    series("aok", "accepted", "c1", 0, "authentications accepted"), series("aerr", "refused", "c5", 3, "authentications refused")] });
  const limited = new Chart({ title: "Rate-limited requests a second", unit: "rate", least: 1, series: [series("rl", "refused with 429", "c3", 0, "rate-limited")] });
  const memory = new Chart({ title: "Memory in use", unit: "bytes", least: 1 << 20, binary: true, series: [series("rss", "resident", "c2", 0, "memory")] });
  const cpu = new Chart({ title: "Processors in use", unit: "cores", least: 0.1, series: [series("cpu", "cores", "c2", 0, "processors in use")] });
  const fps = new Chart({ title: "Frames a second", unit: "count", least: 10, series: [series("fps", "frames a second", "c1", 0)] });
  const cost = new Chart({ title: "The engine's own cost: time of a snapshot", unit: "seconds", least: 1e-4, series: [series("snap", "each second's snapshot", "c2", 0, "time of a snapshot")] });
  const facts = (...list) => el("dl", { class: "facts" }, list.map(([key, unit, name = key]) => el("div", {}, el("dt", {}, name),
    el("dd", { "data-key": key, "data-unit": unit }, NONE))));
  stripBody = el("tbody");
  healthMoment = el("span", { class: "moment", "aria-hidden": "true" });
  const health = el("table", { class: "strips" }, el("caption", { class: "unseen" }, "Health of each subsystem"), el("thead", { class: "unseen" }, el("tr", {},
    ["check", "status", "history", "took", "age"].map((head) => el("th", { scope: "col" }, head)))), stripBody);

  byId("charts").append(
    panel("rate", "Requests by status", "third", { keys: ["r2", "r3", "r4", "r5", "ro"], chart: rate }),
    panel("errors", "Errors", "third", { keys: ["r5", "r4"], chart: errors }),
    panel("latency", "Latency", "third", { keys: ["p50", "p90", "p95", "p99"], chart: latency, note: el("small", {}, "quantiles of 10 s") }),
    panel("heat", "Latency heat map", "third", { keys: ["b0"], chart: heat }),
    panel("health", "Health", "third", { keys: ["h"], note: healthMoment, body: el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Checks of health" }, health) }),
    panel("slowest", "Slowest endpoints", "third", { keys: ["r2"], body: made.endpoints.node, note: el("small", {}, "last 10 s") }),
    panel("conn", "Connections", "third", { keys: ["conn"], chart: conn }),
    panel("memory", "Memory", "third", { keys: ["rss"], chart: memory }),
    panel("cpu", "Processor", "third", { keys: ["cpu"], chart: cpu }),
    panel("scene", "Scene operations", "third", { keys: ["sok", "serr"], chart: scenes, body: [made.scenes.node, made.scene_errors.node] }),
    panel("auth", "Authentication", "third", { keys: ["aok", "aerr"], chart: auth, body: made.auth.node }),
    panel("limit", "Rate limit", "third", { keys: ["rl"], chart: limited, body: made.limited.node }),
    profilesPanel(), flamePanel(),
    panel("fps", "Frames", "third", { keys: ["fps"], chart: fps, note: facts(["frame", "seconds", "work p99"]) }),
    panel("cost", "Own cost", "third", { keys: ["snap"], chart: cost, note: facts(["series", "whole"], ["shards", "whole"], ["held", "bytes"]) }),
    panel("status", "Responses by status", "third", { list: "status", body: made.status.node, note: el("small", {}, "since the start") }),
    panel("figures-panel", "All figures as a table", "rest", { keys: ["t"], body: made.figures.node }),
  );
}

// What the service has not, is not there.
function showPanels() {
  for (const { node, keys, list: name, needs } of panels) {
    const has = Boolean(keys.some((key) => key === "t" || known(key)) || (name && list(name).length > 0) || (needs && store.hello?.[needs] === true));
    if (node.hidden === has) node.hidden = !has;
  }
}

function makeStrips() {
  for (const { chart } of strips.splice(0)) {
    charts.splice(charts.indexOf(chart), 1);
    watched.delete(chart.plot);
    sizes.unobserve(chart.plot);
    sights.unobserve(chart.plot);
  }
  stripBody.replaceChildren(...store.checks.map((name, at) => {
    const chart = new Strip(name, `c${at}`);
    const [status, took, age] = [el("td", {}), el("td", { class: "number" }), el("td", { class: "number" })];
    strips.push({ name, chart, status, took, age });
    return el("tr", {}, el("th", { scope: "row" }, el("span", { class: "name", title: name }, name)), status, el("td", { class: "history" }, chart.plot), took, age);
  }));
}

function fillStrips(row) {
  write(healthMoment, view.cursor === null ? "" : clock(view.cursor));
  const told = new Map(list("checks").map((check) => [clean(check.name), check]));
  strips.forEach(({ name, status, took, age }, at) => {
    const check = told.get(name);
    const level = row < 0 ? NaN : store.columns[`c${at}`][row];
    write(status, levelText(level));
    status.className = ["ok", "warn", "bad"][level] ?? "";
    write(took, format.seconds(real(check?.ms) / 1000));
    write(age, Number.isFinite(check?.age_s) ? `${lasted(check.age_s * 1000)} ago` : NONE);
  });
}

// The figures that answer: is it up, how slow, how many errors, what is ill.
const TILES = [
  { id: "t-rate", name: "Requests", keys: ["all"], text: (at) => format.rate(at("all")), more: (at) => `${format.rate(at("r4"))} 4xx` },
  { id: "t-errors", name: "Errors (5xx)", keys: ["r5"], text: (at) => (at("all") > 0 ? format.share(at("bad")) : "0\u202f%"),
    more: (at) => (at("all") > 0 ? `${format.rate(at("r5"))}` : "no requests"), level: (at) => (at("r5") > 0 ? (at("bad") >= 0.05 ? 2 : 1) : 0) },
  { id: "t-latency", name: "Latency p95", keys: ["p95"], text: (at) => format.seconds(at("p95")),
    more: (at) => `p50 ${format.seconds(at("p50"))} · p99 ${format.seconds(at("p99"))}` },
  { id: "t-conn", name: "Connections", keys: ["conn"], text: (at) => format.whole(at("conn")),
    more: (at) => (at("connmax") > 0 ? `of ${format.whole(at("connmax"))}` : "no limit"), level: (at) => (at("connmax") > 0 && at("conn") >= at("connmax") * 0.9 ? 1 : 0) },
  { id: "t-limit", name: "Rate-limited", keys: ["rl"], text: (at) => format.rate(at("rl")), more: () => "refused with 429" },
  { id: "t-memory", name: "Memory", keys: ["rss"], text: (at) => format.bytes(at("rss")), more: (at) => `${format.cores(at("cpu"))} processors` },
];
let tiles = [];
const overall = {};

function makeTiles() {
  overall.sign = el("b", {}, "…");
  overall.word = el("span", { class: "value" }, "connecting");
  overall.more = el("span", { class: "more" }, "\u00a0");
  overall.node = el("div", { class: "tile wide", id: "t-health" }, el("span", { class: "label" }, "Health"), overall.word, overall.more);
  tiles = TILES.map((tile) => {
    const value = el("span", { class: "value" }, NONE);
    const more = el("span", { class: "more" }, "\u00a0");
    return { ...tile, value, rest: more, node: el("div", { class: "tile", id: tile.id }, el("span", { class: "label" }, tile.name), value, more) };
  });
  byId("tiles").append(overall.node, ...tiles.map(({ node }) => node));
}

let health = NaN;
function fillTiles(row) {
  const at = (key) => (row < 0 ? NaN : store.columns[key][row]);
  for (const { node, keys, value, rest, text, more, level } of tiles) {
    const has = keys.some((key) => known(key));
    node.hidden = !has && store.length > 2;
    const found = level?.(at) ?? 0;
    write(value, `${found ? `${SIGNS[found]} ` : ""}${text(at)}`);
    write(rest, more(at));
    node.className = `tile ${["", "warn", "bad"][found]}`;
  }
  const level = at("h");
  const ill = illAt(row);
  write(overall.word, levelText(level));
  write(overall.more, ill.length ? ill.join(", ") : `${strips.length} of ${strips.length} checks pass`);
  overall.more.title = overall.more.textContent;
  if (!(level in LEVELS)) write(overall.more, "not measured");
  overall.node.className = `tile wide ${["ok", "warn", "bad"][level] ?? ""}`;
  for (const fact of document.querySelectorAll("[data-key]")) write(fact, format[fact.dataset.unit](at(fact.dataset.key)));
}

// The checks that do not pass.
const illAt = (row) => (row < 0 ? [] : store.checks.flatMap((name, at) => {
  const level = store.columns[`c${at}`][row];
  return level > 0 ? [`${SIGNS[level]} ${name}`] : [];
}));

// Of now, whatever is looked at, and also while nobody looks: by its title a page is seen among others.
function tellHealth() {
  const row = store.length - 1;
  const now = row < 0 ? NaN : store.columns.h[row];
  if (now === health || (Number.isNaN(now) && Number.isNaN(health))) return;
  const ill = illAt(row);
  if (!Number.isNaN(health) || now > 0) say(`The service is ${LEVELS[now] ?? "of unknown health"}${ill.length ? `: ${ill.join(", ")}` : ""}`);
  health = now;
  document.title = now > 0 ? `${SIGNS[now]} ${LEVELS[now]} · ${title}` : title;
  icon(["#2a8f5b", "#c98a00", "#c8372d"][now] ?? "#777");
}
function icon(colour) {
  const svg = `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='${colour}'/>${"<"}/svg>`;
  byId("icon").href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
