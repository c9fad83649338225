// The last hour, a column for each figure, and what of it is looked at. Bounded: two hours of numbers at most, never more.
const RANGES = [60, 300, 900, 3600];
const SCALARS = ["r2", "r3", "r4", "r5", "ro", "p50", "p90", "p95", "p99", "conn", "connmax", "sok", "serr", "aok", "aerr", "rl", "rss", "cpu",
  "fps", "frame", "snap", "series", "held", "shards", "h"];
// Made of the others here: requests, and the shares of them that failed.
const DERIVED = ["all", "bad", "refused"];

const store = { length: 0, room: 0, tick: 1000, time: new Float64Array(0), columns: {}, bounds: [], checks: [], hello: null };
const view = { range: 300e3, end: null, cursor: null, pinned: false };

const numbers = (list) => Array.isArray(list) && list.every((value) => Number.isFinite(value));

// What a greeting tells, looked at before it takes the place of another one.
function greeting(hello) {
  if (hello.v !== 1) throw new Error(`it speaks version ${clean(hello.v)} of the stream, this page version 1`);
  if (!numbers(hello.bounds) || !Array.isArray(hello.checks)) throw new Error("it names no bounds or no checks");
  const tick = Math.min(10e3, Math.max(100, Number(hello.tick_ms) || 1000));
  const keep = Math.min(20_000, Math.max(60, Math.ceil(((Number(hello.history_s) || 3600) * 1000) / tick)));
  const bounds = hello.bounds.slice(0, 40);
  const checks = hello.checks.slice(0, 64).map(clean);
  return { tick, keep, bounds, checks, hello };
}

// Empty columns for what a greeting tells of.
function begin({ tick, keep, bounds, checks, hello }) {
  const keys = [...SCALARS, ...DERIVED, ...[...bounds, 0].map((_, at) => `b${at}`), ...checks.map((_, at) => `c${at}`)];
  // Twice what is kept, so that old rows leave many at a time.
  const room = keep * 2;
  const columns = Object.fromEntries(keys.map((key) => [key, new Float32Array(room)]));
  Object.assign(store, { length: 0, room, tick, time: new Float64Array(room), columns, bounds, checks, hello });
}

const number = (value) => (Number.isFinite(value) ? value : NaN);

function put(time, value) {
  if (!Number.isFinite(time)) throw new Error("a tick without its time");
  // What history and stream both have, once.
  if (store.length && time <= store.time[store.length - 1]) return;
  if (store.length === store.room) {
    const half = store.room / 2;
    for (const column of [store.time, ...Object.values(store.columns)]) column.copyWithin(0, half);
    store.length = half;
  }
  const at = store.length;
  const { columns } = store;
  store.time[at] = time;
  for (const key of SCALARS) columns[key][at] = number(value(key));
  const buckets = value("b");
  const checks = value("hc");
  for (let bucket = 0; bucket <= store.bounds.length; bucket += 1) columns[`b${bucket}`][at] = number(buckets?.[bucket]);
  for (let check = 0; check < store.checks.length; check += 1) columns[`c${check}`][at] = number(checks?.[check]);
  const all = columns.r2[at] + columns.r3[at] + columns.r4[at] + columns.r5[at] + columns.ro[at];
  columns.all[at] = all;
  // A share of nothing is not known.
  columns.bad[at] = all > 0 ? columns.r5[at] / all : NaN;
  columns.refused[at] = all > 0 ? columns.r4[at] / all : NaN;
  store.length = at + 1;
}

function putHistory(history) {
  history.t.forEach((time, at) => put(time, (key) => history[key]?.[at]));
}
const putTick = (tick) => put(tick.t, (key) => tick[key]);

// The first row that is not before a time.
function since(time) {
  let low = 0;
  let high = store.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (store.time[middle] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
const newest = () => (store.length ? store.time[store.length - 1] : Date.now());
function span() {
  const end = view.end ?? newest();
  return { from: end - view.range, to: end, first: since(end - view.range), last: since(end + 1) };
}
const gap = () => store.tick * 2.5;

// The row at a moment, or none where nothing was noted.
function rowAt(time) {
  const after = since(time);
  const before = after - 1;
  const near = after >= store.length || (before >= 0 && time - store.time[before] < store.time[after] - time) ? before : after;
  return near >= 0 && near < store.length && Math.abs(store.time[near] - time) <= gap() ? near : -1;
}
// The row that is read out: at the marker, else the last one that is looked at.
const current = () => (view.cursor === null ? span().last - 1 : rowAt(view.cursor));

function known(key, first = 0, last = store.length) {
  const column = store.columns[key];
  for (let at = last - 1; column && at >= first; at -= 1) if (!Number.isNaN(column[at])) return true;
  return false;
}

// Least, greatest and mean of what is looked at.
function extent(key, { first, last } = span()) {
  let [least, most, sum, count] = [Infinity, -Infinity, 0, 0];
  const column = store.columns[key];
  for (let at = first; at < last; at += 1) {
    const value = column[at];
    if (Number.isNaN(value)) continue;
    if (value < least) least = value;
    if (value > most) most = value;
    sum += value;
    count += 1;
  }
  return count ? { least, most, mean: sum / count } : { least: NaN, most: NaN, mean: NaN };
}

// Rows in groups as wide as `pixels` allow, each [from, to) of rows. A group never reaches over a gap. The borders are those of the clock:
// what is drawn once does not change when the picture moves on.
function groups({ from, to, first, last }, pixels) {
  const width = Math.max(store.tick, ((to - from) / pixels) * 2);
  const single = width < store.tick * 1.9;
  const found = [];
  for (let at = first; at < last;) {
    const slot = Math.floor(store.time[at] / width);
    let end = at + 1;
    while (!single && end < last && Math.floor(store.time[end] / width) === slot && store.time[end] - store.time[end - 1] <= gap()) end += 1;
    const before = at > 0 && store.time[at] - store.time[at - 1] <= gap() ? store.time[at - 1] : store.time[at] - store.tick;
    found.push({ first: at, last: end, from: before, to: store.time[end - 1] });
    at = end;
  }
  return found;
}
function mean(key, { first, last }) {
  let [sum, count] = [0, 0];
  const column = store.columns[key];
  for (let at = first; at < last; at += 1) {
    if (Number.isNaN(column[at])) continue;
    sum += column[at];
    count += 1;
  }
  return count ? sum / count : NaN;
}
