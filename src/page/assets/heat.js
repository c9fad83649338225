// The heat map of durations, and the strips of health: charts that are no lines.
class Heat extends Chart {
  constructor(title) {
    super({ title, kind: "cells", unit: "count" });
    this.readout = el("p", { class: "readout" }, NONE);
    this.scaleText = el("span", {}, "1");
    this.scaleBar = el("p", { class: "scale", "aria-hidden": "true" }, "few ", ["h0", "h1", "h2", "h3", "h4"].map((step) => el("i", { class: step })),
      " many: up to ", this.scaleText, " /s");
  }

  rows() {
    return store.bounds.length + 1;
  }

  keys() {
    return ["b0"];
  }

  rowName(row) {
    const { bounds } = store;
    if (row === bounds.length) return `over ${format.seconds(bounds.at(-1))}`;
    return row ? `${format.seconds(bounds[row - 1])} to ${format.seconds(bounds[row])}` : `up to ${format.seconds(bounds[0])}`;
  }

  cells(pen, look) {
    const rows = this.rows();
    const floor = this.height - FOOT;
    const high = (floor - HEAD) / rows;
    pen.font = "11px system-ui,sans-serif";
    pen.fillStyle = palette.dim;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.strokeStyle = palette.line;
    pen.strokeRect(this.left + 0.5, HEAD + 0.5, this.width - this.left - 1, floor - HEAD);
    // A bound stands between two rows; as many as there is room for.
    const every = Math.max(1, Math.ceil(13 / high));
    for (let row = 0; row < rows - 1; row += every) {
      pen.fillText(format.seconds(store.bounds[row]).replace(/\.0+(?=\D)|(\.\d)0(?=\D)/, "$1"), this.left - 5, floor - (row + 1) * high);
    }
    const found = groups(look, this.width - this.left);
    // Counts of a group become counts a second, so that colours mean the same in each range.
    const counts = found.map((group) => Array.from({ length: rows }, (_, row) => (mean(`b${row}`, group) * 1000) / store.tick));
    const most = counts.reduce((most, row) => Math.max(most, ...row.filter(Number.isFinite)), 0);
    write(this.scaleText, digits(Math.max(most, 0)));
    const steps = [palette.h0, palette.h1, palette.h2, palette.h3, palette.h4];
    this.clip(pen, () => found.forEach((group, at) => {
      const left = this.whole(this.x(group.from, look));
      const width = Math.max(1, this.whole(this.x(group.to, look)) - left);
      for (let row = 0; row < rows; row += 1) {
        const count = counts[at][row];
        if (!(count > 0)) continue;
        // By the logarithm: one slow request among thousands of fast ones is to be seen.
        const share = Math.log1p(count * 9) / Math.log1p(Math.max(most, 0.2) * 9);
        pen.fillStyle = steps[Math.min(4, Math.floor(share * 4.999))];
        pen.fillRect(left, floor - (row + 1) * high, width, high - 0.5);
      }
    }));
    this.times(pen, look);
  }

  pointed(event) {
    const high = (this.height - FOOT - HEAD) / this.rows();
    const row = Math.floor((this.height - FOOT - (event.clientY - this.plot.getBoundingClientRect().top)) / high);
    this.row = row >= 0 && row < this.rows() ? row : null;
    this.numbers(current());
  }

  // The row that is pointed at; else the spread of all.
  numbers(row) {
    if (row < 0) {
      write(this.readout, NONE);
      return;
    }
    const counts = Array.from({ length: this.rows() }, (_, bucket) => store.columns[`b${bucket}`][row] || 0);
    const sum = counts.reduce((sum, count) => sum + count, 0);
    if (view.cursor !== null && this.row != null) {
      write(this.readout, `${this.rowName(this.row)}: ${counts[this.row]} of ${sum} requests`);
    } else {
      const slowest = counts.findLastIndex((count) => count > 0);
      write(this.readout, slowest < 0 ? "no requests" : `${sum} ${sum === 1 ? "request" : "requests"}, slowest ${this.rowName(slowest)}`);
    }
  }

  spoken(look) {
    const counts = Array.from({ length: this.rows() }, (_, row) => {
      const of = mean(`b${row}`, look) * (look.last - look.first);
      return of > 0.5 ? `${this.rowName(row)}: ${Math.round(of)}` : null;
    });
    return `${this.title}, last ${lasted(view.range)}. Requests by duration: ${counts.filter(Boolean).join("; ") || "none"}`;
  }
}

// One check over time: the worse, the higher, and of another colour.
class Strip extends Chart {
  constructor(name, key) {
    super({ title: `Health of ${name}`, kind: "blocks", plain: true });
    Object.assign(this, { name, key });
  }

  keys() {
    return [this.key];
  }

  blocks(pen, look) {
    const colours = [palette.ok, palette.warn, palette.bad];
    const column = store.columns[this.key];
    pen.fillStyle = palette.line;
    pen.fillRect(0, this.height - 1, this.width, 1);
    if (!column) return;
    for (const group of groups(look, this.width)) {
      let worst = -1;
      for (let at = group.first; at < group.last; at += 1) if (column[at] > worst) worst = column[at];
      if (worst < 0) continue;
      const left = this.whole(this.x(group.from, look));
      const high = [0.4, 0.7, 1][worst] * this.height;
      pen.fillStyle = colours[worst];
      pen.fillRect(left, this.height - high, Math.max(1, this.whole(this.x(group.to, look)) - left), high);
    }
  }

  numbers() {}

  spoken(look) {
    const { most } = extent(this.key, look);
    const last = store.columns[this.key]?.[look.last - 1];
    return `${this.title}, last ${lasted(view.range)}: ${Number.isFinite(most) ? `now ${LEVELS[last] ?? "unknown"}, worst ${LEVELS[most]}` : "not known"}`;
  }
}
