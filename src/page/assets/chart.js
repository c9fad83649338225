// A chart over time on a canvas. All look at the same time and have the same marker.
const charts = [];
const GUTTER = 50;
const FOOT = 18;
const HEAD = 8;

// Colours of the theme, read anew when it changes.
let palette = {};
function repaint() {
  const style = getComputedStyle(root);
  const names = ["ink", "dim", "line", "panel", "c1", "c2", "c3", "c4", "c5", "c6", "ok", "warn", "bad", "none", "h0", "h1", "h2", "h3", "h4"];
  palette = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  schedule();
}

// The next number up whose half is round, too, of tens or of the units of bytes.
function roundUp(value, binary) {
  if (!(value > 0)) return 1;
  const unit = binary ? 1024 ** Math.floor(Math.log(value) / Math.log(1024)) : 1;
  const scaled = value / unit;
  const power = 10 ** Math.floor(Math.log10(scaled));
  const step = [1, 2, 4, 6, 8, 10].find((step) => step * power >= scaled * 0.9999) ?? 10;
  return step * power * unit;
}

class Chart {
  // `series`: key, name, colour, dash; `unit`: how a number is written; `least`: what the axis reaches at least.
  constructor({ title, series = [], unit = "count", least = 0, kind = "lines", binary = false, limit = null, plain = false }) {
    Object.assign(this, { title, series, unit: format[unit], least, kind, binary, limit, plain });
    this.canvas = el("canvas", { role: "img", tabindex: plain ? null : 0, "aria-label": title });
    this.marker = el("div", { class: "marker", hidden: true });
    this.plot = el("div", { class: plain ? "plot plain" : "plot" }, this.canvas, this.marker);
    this.values = series.map(() => el("dd", {}, NONE));
    this.legend = el("dl", { class: "legend" }, series.map(({ name, colour, dash = 0 }, at) => el("div", {},
      el("dt", {}, el("i", { class: `key ${colour} d${dash}`, "aria-hidden": "true" }), name), this.values[at])));
    this.moment = el("span", { class: "moment", "aria-hidden": "true" });
    this.left = plain ? 0 : GUTTER;
    this.visible = true;
    this.told = null;
    charts.push(this);
    this.listen();
    watched.set(this.plot, this);
    sizes.observe(this.plot);
    sights.observe(this.plot);
  }

  listen() {
    const move = (event) => {
      const { left } = this.plot.getBoundingClientRect();
      const share = (event.clientX - left - this.left) / (this.width - this.left - 1);
      const { from, to } = span();
      mark(share < 0 || share > 1 ? null : from + share * (to - from));
      this.pointed?.(event);
    };
    this.plot.addEventListener("pointermove", (event) => view.pinned || move(event));
    this.plot.addEventListener("pointerleave", (event) => view.pinned || event.pointerType === "touch" || mark(null));
    // A click holds the marker, another one lets it go.
    this.plot.addEventListener("click", (event) => {
      view.pinned = !view.pinned;
      if (view.pinned) move(event);
      else if (event.pointerType === "touch") mark(null);
      root.classList.toggle("pinned", view.pinned);
    });
    this.canvas.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
      if (!way && event.key !== "Home" && event.key !== "End") return;
      event.preventDefault();
      const { from, to, first, last } = span();
      if (last <= first) return;
      const step = Math.max(1, Math.round((last - first) / 120));
      const at = view.cursor === null ? last - 1 : Math.max(0, rowAt(view.cursor));
      const next = event.key === "Home" ? first : event.key === "End" ? last - 1 : at + way * step;
      view.pinned = true;
      mark(Math.min(to, Math.max(from, store.time[Math.min(last - 1, Math.max(first, next))])));
      say(`${clock(view.cursor)}: ${this.series.map(({ name }, at) => `${name} ${this.values[at].textContent}`).join(", ")}`);
    });
  }

  resize() {
    const { clientWidth, clientHeight } = this.plot;
    const scale = Math.min(3, devicePixelRatio || 1);
    this.width = clientWidth;
    this.height = clientHeight;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.scale = scale;
  }

  x(time, { from, to }) {
    return this.left + ((time - from) / (to - from)) * (this.width - this.left - 1);
  }

  // To a pixel of the screen, so that what touches has no seam.
  whole(x) {
    return Math.round(x * this.scale) / this.scale;
  }

  draw(look) {
    if (!this.width) this.resize();
    if (!this.width) return;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, this.width, this.height);
    this[this.kind](pen, look);
  }

  // Grid and numbers: from 0 up to a round number.
  axes(pen, look, most, rows = 2) {
    const top = roundUp(Math.max(most, this.least), this.binary);
    const floor = this.height - FOOT;
    const y = (value) => floor - (Math.min(value, top) / top) * (floor - HEAD);
    pen.font = "11px system-ui,sans-serif";
    pen.fillStyle = palette.dim;
    pen.strokeStyle = palette.line;
    pen.lineWidth = 1;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (let row = 0; row <= rows; row += 1) {
      const at = Math.round(y((top * row) / rows)) + 0.5;
      pen.beginPath();
      pen.moveTo(this.left, at);
      pen.lineTo(this.width, at);
      pen.stroke();
      pen.fillText(row ? this.unit((top * row) / rows).replace(/\.0+(?=\D|$)|(\.\d)0(?=\D|$)/, "$1") : "0", this.left - 5, at);
    }
    this.times(pen, look);
    return y;
  }

  times(pen, look) {
    const wanted = Math.max(2, Math.floor((this.width - this.left) / 90));
    const step = [10, 15, 30, 60, 120, 300, 600, 900, 1200, 1800].find((step) => view.range / 1000 / step <= wanted) ?? 3600;
    pen.fillStyle = palette.dim;
    pen.font = "11px system-ui,sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    for (let time = Math.ceil(look.from / 1000 / step) * step * 1000; time <= look.to; time += step * 1000) {
      const [x, text] = [this.x(time, look), clock(time, step < 60)];
      const half = pen.measureText(text).width / 2;
      if (x - half > this.left - 5 && x + half < this.width) pen.fillText(text, x, this.height - 4);
    }
  }

  lines(pen, look) {
    const drawn = this.series.filter(({ told }) => !told);
    const most = Math.max(0, ...drawn.map(({ key }) => extent(key, look).most).filter(Number.isFinite));
    const limit = this.limit && look.last > look.first ? store.columns[this.limit]?.[look.last - 1] : 0;
    const y = this.axes(pen, look, limit > 0 && most > limit / 3 ? Math.max(most, limit) : most);
    this.clip(pen, () => {
      if (limit > 0) this.level(pen, y(limit));
      for (const series of drawn) this.line(pen, look, series, y);
    });
  }

  clip(pen, draw) {
    pen.save();
    pen.beginPath();
    pen.rect(this.left, 0, this.width - this.left, this.height - FOOT + 1);
    pen.clip();
    draw();
    pen.restore();
  }

  level(pen, y) {
    pen.strokeStyle = palette.bad;
    pen.setLineDash([2, 3]);
    pen.beginPath();
    pen.moveTo(this.left, y);
    pen.lineTo(this.width, y);
    pen.stroke();
  }

  // As many points as there are pixels: of those in one column the first, the least, the greatest and the last. A gap stays one.
  line(pen, look, { key, colour, dash = 0 }, y) {
    const column = store.columns[key];
    pen.strokeStyle = palette[colour];
    pen.lineWidth = dash === 3 ? 2.5 : 1.5;
    pen.lineJoin = pen.lineCap = "round";
    pen.setLineDash([[], [5, 4], [1.5, 3.5], []][dash]);
    pen.beginPath();
    let [pixel, low, high, end, open, last] = [-1, 0, 0, 0, false, -Infinity];
    const close = () => {
      if (pixel < 0) return;
      if (low < high) {
        pen.lineTo(pixel, y(low));
        pen.lineTo(pixel, y(high));
      }
      pen.lineTo(pixel, y(end));
      pixel = -1;
    };
    for (let at = Math.max(0, look.first - 1); at < look.last; at += 1) {
      const value = column[at];
      const time = store.time[at];
      if (Number.isNaN(value) || time - last > gap()) {
        close();
        open = false;
      }
      if (Number.isNaN(value)) continue;
      last = time;
      const x = Math.round(this.x(time, look) * 2) / 2;
      if (x !== pixel) {
        close();
        if (!open) pen.moveTo(x, y(value));
        pen.lineTo(x, y(value));
        [open, pixel, low, high] = [true, x, value, value];
      }
      low = Math.min(low, value);
      high = Math.max(high, value);
      end = value;
    }
    close();
    pen.stroke();
    pen.setLineDash([]);
  }

  // One upon another. Where a pixel holds several ticks it shows their mean, so that areas stay true.
  stack(pen, look) {
    const bars = groups(look, this.width - this.left).map((group) => ({ ...group, values: this.series.map(({ key }) => mean(key, group)) }));
    const most = bars.reduce((most, { values }) => Math.max(most, values.reduce((sum, value) => sum + (value || 0), 0)), 0);
    const y = this.axes(pen, look, most);
    this.clip(pen, () => {
      const base = bars.map(() => 0);
      this.series.forEach(({ colour, dash }, row) => {
        pen.fillStyle = palette[colour];
        pen.beginPath();
        bars.forEach((bar, at) => {
          const value = bar.values[row];
          if (!(value > 0)) return;
          const left = this.whole(this.x(bar.from, look));
          const [below, above] = [y(base[at]), y(base[at] + value)];
          base[at] += value;
          // What there is shows, however little it is.
          pen.rect(left, Math.min(above, below - (row === 0 ? 2 : 0)), Math.max(1, this.whole(this.x(bar.to, look)) - left),
            Math.max(below - above, row === 0 ? 2 : 0));
        });
        pen.fill();
        if (dash === 4) this.hatch(pen);
      });
    });
  }

  // Over what was drawn last.
  hatch(pen) {
    pen.save();
    pen.clip();
    pen.strokeStyle = palette.panel;
    pen.lineWidth = 1;
    pen.beginPath();
    for (let x = this.left - this.height; x < this.width; x += 5) {
      pen.moveTo(x, this.height);
      pen.lineTo(x + this.height, 0);
    }
    pen.stroke();
    pen.restore();
  }

  // The marker, and the numbers of its moment, or of now.
  note(look, row) {
    const shown = view.cursor !== null;
    this.marker.hidden = !shown;
    if (shown && this.width) this.marker.style.transform = `translateX(${Math.round(this.x(view.cursor, look))}px)`;
    write(this.moment, shown ? clock(view.cursor) : "");
    this.numbers(row);
    // For who cannot see it: at once when figures come where none were, or go, else not each second: it would never end.
    const knows = this.keys().filter((key) => known(key, look.first, look.last)).length;
    if (this.told && this.told.knows === knows && performance.now() - this.told.at < 5000) return;
    this.told = { knows, at: performance.now() };
    this.canvas.setAttribute("aria-label", this.spoken(look));
  }

  keys() {
    return this.series.map(({ key }) => key);
  }

  numbers(row) {
    this.series.forEach(({ key }, at) => write(this.values[at], row < 0 ? NONE : this.unit(store.columns[key]?.[row])));
  }

  spoken(look) {
    const parts = this.series.map(({ key, name }, at) => {
      const { least, most } = extent(key, look);
      return `${name}: now ${this.values[at].textContent}, least ${this.unit(least)}, most ${this.unit(most)}`;
    });
    return `${this.title}, last ${lasted(view.range)}. ${parts.join(". ")}`;
  }
}

const watched = new Map();
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) watched.get(target)?.resize();
  schedule();
});
// What is not in sight is not drawn.
const sights = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) watched.get(target).visible = isIntersecting;
  schedule();
}, { rootMargin: "100px" });

// Once a frame at most, and only while somebody can see it.
let frame = 0;
function schedule() {
  if (!frame && !document.hidden) frame = requestAnimationFrame(render);
}

function mark(time) {
  view.cursor = time;
  markAll();
}
function markAll() {
  if (!store.hello) return;
  const look = span();
  const row = current();
  for (const chart of charts) chart.note(look, row);
  fillStrips(row);
  root.classList.toggle("marked", view.cursor !== null);
}
