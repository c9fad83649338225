// Tables of the moment. Rows and cells stay where they are, only what is written in them changes.
class Table {
  // `columns`: head, whether numbers; the first one names the row.
  constructor(caption, columns, empty) {
    this.columns = columns;
    this.body = el("tbody");
    this.none = el("p", { class: "none" }, empty);
    this.table = el("table", {}, el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, columns.map(({ head, left }) => el("th", { scope: "col", class: left ? "" : "number" }, head)))), this.body);
    // It can be scrolled, so it must be possible to get there by keys.
    this.node = el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, this.table, this.none);
    this.fill([]);
  }

  // Each row: its texts; `share` (0 to 1) draws a bar behind the name.
  fill(rows) {
    this.none.hidden = rows.length > 0;
    this.table.hidden = rows.length === 0;
    while (this.body.rows.length > rows.length) this.body.lastChild.remove();
    rows.slice(0, 100).forEach(({ cells, share, level }, at) => {
      const row = this.body.rows[at] ?? this.body.appendChild(el("tr", {}, this.columns.map(({ left }, column) => (
        column ? el("td", { class: left ? "" : "number" }) : el("th", { scope: "row" }, el("span", { class: "name" }))))));
      cells.forEach((text, column) => {
        if (column) return write(row.cells[column], text);
        const name = row.cells[0].firstChild;
        if (name.textContent === text) return undefined;
        name.title = text;
        return write(name, text);
      });
      row.style.setProperty("--share", share >= 0 ? Math.min(1, share).toFixed(3) : "0");
      row.className = level ?? "";
    });
  }
}

const list = (name) => (Array.isArray(tables?.[name]) ? tables[name].filter((row) => row && typeof row === "object") : []);
const real = (value) => (typeof value === "number" ? value : NaN);

// Counted rows with their share of the most.
function counted(name, label, levels) {
  const rows = list(name);
  const most = Math.max(1, ...rows.map(({ n }) => real(n) || 0));
  const sum = rows.reduce((sum, { n }) => sum + (real(n) || 0), 0);
  return rows.map((row) => ({
    cells: [clean(row[label]), format.whole(real(row.n)), format.share(sum > 0 ? real(row.n) / sum : NaN)],
    share: real(row.n) / most,
    level: levels?.(row[label]),
  }));
}

const COUNTED = [{ head: "", left: true }, { head: "count" }, { head: "share" }];
const of = (head) => [{ head, left: true }, ...COUNTED.slice(1)];

const made = {};
function makeTables() {
  made.endpoints = new Table("Slowest endpoints, last 10 seconds", [{ head: "endpoint", left: true }, { head: "req/s" }, { head: "5xx" },
    { head: "p50" }, { head: "p95" }, { head: "total" }], "No requests in the last 10 seconds");
  made.scenes = new Table("Scenes loaded since the start", of("scene"), "No scene was loaded yet");
  made.scene_errors = new Table("Scene errors since the start", of("error"), "No scene failed to load");
  made.auth = new Table("Authentications since the start", of("result"), "Nobody has shown a token yet");
  made.limited = new Table("Rate-limited since the start", of("endpoint"), "No request was refused");
  made.status = new Table("Responses by status since the start", of("status"), "No requests yet");
  made.figures = new Table("Figures of what is looked at", [{ head: "figure", left: true }, { head: "now" }, { head: "least" }, { head: "mean" },
    { head: "most" }], "No figures yet");
}

function fillTables() {
  const endpoints = list("endpoints");
  const slowest = Math.max(1e-9, ...endpoints.map(({ p95 }) => real(p95) || 0));
  made.endpoints.fill(endpoints.map(({ e, rps, err, p50, p95, n }) => ({
    cells: [clean(e), digits(real(rps) || 0), real(err) > 0 ? `✕ ${format.share(err)}` : "0", format.seconds(real(p50)), format.seconds(real(p95)),
      format.whole(real(n))],
    share: real(p95) / slowest,
    level: real(err) > 0 ? "bad" : "",
  })));
  made.scenes.fill(counted("scenes", "s"));
  made.scene_errors.fill(counted("scene_errors", "t"));
  made.auth.fill(counted("auth", "r"));
  made.limited.fill(counted("limited", "e"));
  made.status.fill(counted("status", "s", (status) => (String(status).startsWith("5") ? "bad" : "")));
}

// All charts as one table, for who reads rather than looks.
function fillFigures() {
  const rows = new Map();
  for (const { series, unit } of charts) for (const { key, label, name } of series) if (known(key)) rows.set(key, { name: label ?? name, unit });
  const look = span();
  const row = current();
  made.figures.fill([...rows].map(([key, { name, unit }]) => {
    const { least, mean, most } = extent(key, look);
    return { cells: [name, row < 0 ? NONE : unit(store.columns[key][row]), unit(least), unit(mean), unit(most)] };
  }));
}
