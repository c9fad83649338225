// The flame graph: where the time of all kept requests went, as an SVG that is laid out for the width there is.
const ROW = 22;
const flame = { root: null, zoom: null, focus: null, frames: [] };
flame.idle = () => flame.zoom === null && !flame.svg.contains(document.activeElement) && flame.search.value === "";

function flamePanel() {
  flame.svg = el("svg", { class: "flame", role: "tree", "aria-label": "Flame graph", width: "100%", height: ROW });
  flame.search = el("input", { type: "search", placeholder: "press /", "aria-label": "Search frames", spellcheck: "false", oninput: find });
  flame.found = el("output", { class: "found" });
  flame.detail = el("p", { class: "readout" }, NONE);
  flame.problem = el("p", { class: "problem", role: "status" });
  flame.reset = el("button", { type: "button", disabled: true, onclick: () => zoom(null) }, "Reset zoom");
  flame.holder = el("div", { class: "flamed" }, flame.svg);
  new ResizeObserver(() => layFlame()).observe(flame.holder);
  flame.svg.addEventListener("click", (event) => zoom(frameOf(event.target)));
  flame.svg.addEventListener("pointerover", (event) => describe(frameOf(event.target)));
  flame.svg.addEventListener("focusin", (event) => describe(frameOf(event.target)));
  flame.svg.addEventListener("keydown", flameKey);
  const content = el("div", {}, el("div", { class: "filters" }, el("label", {}, "search ", flame.search), flame.found, flame.reset),
    flame.problem, flame.holder, flame.detail);
  return panel("flame", "Flame graph", "whole", { needs: "profiles", body: lock(content, "the flame graph") });
}
const frameOf = (target) => flame.frames.find(({ node }) => node?.contains(target)) ?? null;

function clearFlame() {
  Object.assign(flame, { root: null, zoom: null, focus: null, frames: [] });
  flame.reset.disabled = true;
  flame.svg.replaceChildren();
  for (const node of [flame.detail, flame.found]) write(node, "");
}

async function loadFlame() {
  const given = token;
  const answer = await ask(`debug/profile/flamegraph?${filters({ format: "json" })}`);
  if (token !== given) return;
  const frames = [];
  // Frames that stand on one another, each with where it begins and how wide it is, in the unit of the values.
  const walk = (given, parent, start, depth) => {
    const frame = { name: clean(given.name), value: Math.max(0, real(given.value) || 0), parent, start, depth, children: [] };
    frames.push(frame);
    let at = start;
    const below = Array.isArray(given.children) ? given.children : [];
    for (const child of below) {
      if (depth > 60 || frames.length > 5000) break;
      const made = walk(child, frame, at, depth + 1);
      at += made.value;
      frame.children.push(made);
    }
    frame.own = Math.max(0, frame.value - frame.children.reduce((sum, { value }) => sum + value, 0));
    return frame;
  };
  const path = flame.zoom && pathOf(flame.zoom);
  flame.root = walk(answer, null, 0, 0);
  flame.frames = frames;
  flame.zoom = path ? frames.find((frame) => pathOf(frame) === path) ?? null : null;
  flame.focus = flame.zoom ?? flame.root;
  trouble("flame", null);
  drawFlame();
}
const pathOf = (frame) => (frame ? `${pathOf(frame.parent)}\n${frame.name}` : "");

function hue(name) {
  if (name === "unaccounted" || name === "all") return "fx";
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return `f${sum % 6}`;
}

function drawFlame() {
  const deepest = flame.frames.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
  flame.svg.setAttribute("height", (deepest + 1) * ROW);
  const had = flame.svg.contains(document.activeElement);
  for (const frame of flame.frames) {
    frame.label = el("text", { y: frame.depth * ROW + 15, "aria-hidden": "true" });
    frame.box = el("rect", { class: hue(frame.name), y: frame.depth * ROW, height: ROW - 1, rx: 2 });
    frame.node = el("g", { role: "treeitem", "aria-level": frame.depth + 1, "aria-label": told(frame), tabindex: -1 }, frame.box, frame.label);
    if (frame.children.length) frame.node.setAttribute("aria-expanded", "true");
  }
  flame.svg.replaceChildren(...flame.frames.map(({ node }) => node));
  layFlame();
  find();
  describe(flame.focus);
  if (had) flame.focus.node.focus();
}

const told = ({ name, value, own }) => `${name}: ${format.seconds(value / 1e9)}, ${format.share(flame.root.value ? value / flame.root.value : NaN)}, itself ${format.seconds(own / 1e9)}`;

// Where the frames are, in the pixels that there are. What is above the one zoomed into is as wide as that; what is beside it is away.
function layFlame() {
  if (!flame.root) return;
  const width = flame.holder.clientWidth;
  if (!width) return;
  const { start, value, depth } = flame.zoom ?? flame.root;
  const scale = value > 0 ? width / value : 0;
  for (const frame of flame.frames) {
    const above = frame.depth < depth && frame.start <= start && frame.start + frame.value >= start + value && isAbove(frame, flame.zoom);
    const x = above ? 0 : (frame.start - start) * scale;
    const wide = above || frame === (flame.zoom ?? flame.root) ? width : frame.value * scale;
    const shown = above || (wide >= 0.4 && x > -0.1 && x < width - 0.1 && (!flame.zoom || isAbove(flame.zoom, frame)));
    frame.shown = shown;
    frame.node.classList.toggle("above", above);
    frame.node.classList.toggle("away", !shown);
    if (!shown) continue;
    frame.box.setAttribute("x", x.toFixed(1));
    frame.box.setAttribute("width", Math.max(0.5, wide - 1).toFixed(1));
    frame.label.setAttribute("x", (x + 5).toFixed(1));
    // Seven pixels a letter is more than a letter of this size takes on the mean.
    const room = Math.floor((wide - 8) / 7);
    const label = room >= frame.name.length ? frame.name : room < 4 ? "" : `${frame.name.slice(0, room - 1)}…`;
    write(frame.label, label);
  }
  rove(flame.focus?.shown ? flame.focus : flame.zoom ?? flame.root);
}
function isAbove(frame, other) {
  for (let at = other; at; at = at.parent) if (at === frame) return true;
  return false;
}

// One stop for the tab key.
function rove(frame) {
  flame.focus = frame;
  for (const { node } of flame.frames) node.setAttribute("tabindex", -1);
  frame.node.setAttribute("tabindex", 0);
}

function zoom(frame) {
  if (!flame.root) return;
  flame.zoom = frame === flame.root ? null : frame;
  flame.reset.disabled = flame.zoom === null;
  if (frame) flame.focus = frame;
  layFlame();
  describe(flame.focus);
  if (flame.svg.contains(document.activeElement)) flame.focus.node.focus();
}

function describe(frame) {
  if (frame) write(flame.detail, told(frame));
}

// What is found is counted once, also where one found frame stands on another.
function find() {
  const text = flame.search.value.trim().toLowerCase();
  let [sum, count] = [0, 0];
  const walk = (frame, inside) => {
    const hit = text !== "" && frame.name.toLowerCase().includes(text);
    frame.node.classList.toggle("hit", hit);
    if (hit) {
      count += 1;
      if (!inside) sum += frame.value;
    }
    for (const child of frame.children) walk(child, inside || hit);
  };
  if (!flame.root) return;
  walk(flame.root, false);
  flame.svg.classList.toggle("searched", text !== "");
  write(flame.found, text === "" ? "" : count ? `${format.share(sum / flame.root.value)} in ${count} ${count === 1 ? "frame" : "frames"}` : "no frame");
}

function flameKey(event) {
  const frame = frameOf(event.target);
  if (!frame) return;
  const beside = frame.parent?.children.filter(({ shown }) => shown) ?? [frame];
  const at = beside.indexOf(frame);
  const next = { ArrowUp: frame.parent, ArrowDown: frame.children.find(({ shown }) => shown), ArrowLeft: beside[at - 1], ArrowRight: beside[at + 1],
    Home: flame.zoom ?? flame.root }[event.key];
  if (event.key === "Enter" || event.key === " ") zoom(frame);
  else if (next) {
    rove(next);
    next.node.focus();
  } else if (!event.key.startsWith("Arrow")) return;
  event.preventDefault();
  event.stopPropagation();
}
