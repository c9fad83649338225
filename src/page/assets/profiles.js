// What needs the token: the slow requests, where their time went, and the flame graph's data.
// The token lives in this variable and nowhere else: not in an address, not in a store; a reload forgets it.
let token = null;
const locked = [];
const REFRESH = 10e3;
// Questions that have no answer yet.
let asking = 0;

class Refused extends Error {}

async function ask(path) {
  const patience = new AbortController();
  const limit = setTimeout(() => patience.abort(), 10e3);
  asking += 1;
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(path, { headers, cache: "no-store", credentials: "omit", redirect: "error", signal: patience.signal });
    if (response.status === 401 || response.status === 403) throw new Refused("The server refused this token. Give it again.");
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new Error(answer?.error ? clean(answer.error) : `the server answered ${response.status}`);
    if (typeof answer !== "object" || answer === null) throw new Error("the answer is not understood");
    return answer;
  } catch (cause) {
    throw cause.name === "AbortError" ? new Error("no answer within 10 seconds") : cause;
  } finally {
    asking -= 1;
    clearTimeout(limit);
  }
}

// A form in each panel that needs the token: one of them is enough for all.
function lock(content, what) {
  // A password manager does not offer to keep a code that is good once.
  const input = el("input", { type: "password", autocomplete: "one-time-code", spellcheck: "false", required: true, "aria-label": `Token, to see ${what}` });
  const problem = el("p", { class: "problem", role: "alert" });
  const form = el("form", { class: "lock", onsubmit(event) {
    event.preventDefault();
    token = input.value.trim();
    input.value = "";
    unlock();
  } }, el("p", {}, `To see ${what}, give the bearer token of the server. It stays in this page's memory, and goes when you leave.`),
  el("div", {}, input, el("button", { type: "submit" }, "Show")), problem);
  content.hidden = true;
  locked.push({ form, content, problem, input });
  return [form, content];
}

async function unlock() {
  // What cannot stand in a header is no token.
  const fits = /^[\w\-.~+/]+=*$/.test(token);
  if (!fits) return refuse("A token has letters, digits and -._~+/= only.");
  const before = document.activeElement;
  for (const { problem } of locked) write(problem, "");
  const given = token;
  try {
    await loadProfiles();
  } catch (cause) {
    return token === given ? refuse(cause.message) : undefined;
  }
  // Another one was given meanwhile.
  if (token !== given) return undefined;
  for (const { form, content } of locked) {
    // Where the person was, the list is now.
    const had = form.contains(before);
    form.hidden = true;
    content.hidden = false;
    if (had) content.querySelector("button, input, select")?.focus();
  }
  say("The token was accepted");
  return loadFlame().catch((cause) => trouble("flame", cause));
}
// What the token opened goes with it.
function refuse(text) {
  token = null;
  requests.number += 1;
  requests.list = [];
  choose(null);
  clearFlame();
  for (const { form, content, problem } of locked) {
    form.hidden = false;
    content.hidden = true;
    write(problem, text ?? "");
  }
}

function trouble(part, cause) {
  if (cause instanceof Refused) refuse(cause.message);
  else write(part === "flame" ? flame.problem : requests.problem, cause ? `Not refreshed: ${cause.message}.` : "");
}

const requests = { list: [], open: null, loaded: 0, number: 0 };

function filters(more) {
  const wanted = new URLSearchParams(more);
  const values = { endpoint: requests.endpoint.value.trim(), status: requests.status.value, min_duration_ms: requests.least.value };
  for (const [key, value] of Object.entries(values)) if (value !== "") wanted.set(key, value);
  return wanted;
}

function profilesPanel() {
  const changed = () => {
    refresh(true);
  };
  const field = (text, input) => el("label", {}, `${text} `, input);
  const option = (value, text) => el("option", { value }, text);
  requests.sort = el("select", { onchange: changed }, option("slowest", "slowest first"), option("newest", "newest first"));
  requests.endpoint = el("input", { type: "text", placeholder: "all", spellcheck: "false", onchange: changed });
  requests.least = el("input", { type: "number", min: 0, step: "any", placeholder: "0", onchange: changed });
  requests.status = el("select", { onchange: changed }, option("", "any"), ["2xx", "3xx", "4xx", "5xx"].map((status) => option(status, status)));
  requests.problem = el("p", { class: "problem", role: "status" });
  requests.table = new Table("Slow requests", [{ head: "request", left: true }, { head: "status" }, { head: "took" }, { head: "at" }], "No request matches");
  requests.fall = el("div", { class: "fall", id: "waterfall" }, el("p", { class: "none" }, "Choose a request to see its phases"));
  requests.table.body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) choose(requests.list[row.sectionRowIndex]);
  });
  const content = el("div", {},
    el("div", { class: "filters" }, field("order", requests.sort), field("endpoint", requests.endpoint), field("at least ms", requests.least),
      field("status", requests.status), el("button", { type: "button", onclick: () => refresh(true) }, "Refresh"),
      el("button", { type: "button", onclick: () => refuse("") }, "Forget token")),
    requests.problem, el("div", { class: "halves" }, requests.table.node, requests.fall));
  return panel("requests", "Slow requests", "whole", { needs: "profiles", body: lock(content, "slow requests") });
}

async function loadProfiles() {
  const turn = requests.number += 1;
  const answer = await ask(`debug/profile?${filters({ sort: requests.sort.value, limit: 30 })}`);
  // An answer to what was asked before is of no use any more.
  if (turn !== requests.number) return;
  if (!Array.isArray(answer.profiles)) throw new Error("the answer has no list of profiles");
  requests.list = answer.profiles;
  requests.loaded = Date.now();
  trouble("requests", null);
  showRequests();
}

function showRequests() {
  const most = Math.max(1e-9, ...requests.list.map((profile) => real(profile.total_duration_ms) || 0));
  requests.table.fill(requests.list.map((profile) => ({
    cells: [clean(`${profile.method} ${profile.endpoint}`), `${profile.status >= 500 ? "✕ " : ""}${clean(profile.status ?? "cut off")}`,
      format.seconds(real(profile.total_duration_ms) / 1000), clock(Date.parse(profile.started_at))],
    share: real(profile.total_duration_ms) / most,
    level: `${profile.request_id === requests.open ? "open" : ""}${profile.status >= 500 ? " bad" : ""}`,
  })));
  // Each row opens by keys, too.
  for (const row of requests.table.body.rows) {
    const name = row.cells[0].firstChild;
    if (name.getAttribute("role") !== "button") {
      for (const [key, value] of [["role", "button"], ["tabindex", "0"], ["aria-controls", "waterfall"]]) name.setAttribute(key, value);
      name.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        choose(requests.list[row.sectionRowIndex]);
      });
    }
    name.setAttribute("aria-expanded", String(row.classList.contains("open")));
  }
}

function choose(profile) {
  const again = !profile || profile.request_id === requests.open;
  requests.open = again ? null : profile.request_id;
  showRequests();
  if (again) requests.fall.replaceChildren(el("p", { class: "none" }, "Choose a request to see its phases"));
  else waterfall(profile);
}

// Phases in the order of a tree, each with how deep it is in it.
function nested(phases) {
  const children = new Map();
  phases.forEach((phase, at) => {
    // A parent comes before its child; one that does not is not believed.
    const parent = Number.isInteger(phase.parent) && phase.parent >= 0 && phase.parent < at ? phase.parent : -1;
    children.set(parent, [...children.get(parent) ?? [], at]);
  });
  const found = [];
  const walk = (parent, depth) => {
    const below = (children.get(parent) ?? []).sort((a, b) => real(phases[a].start_ms) - real(phases[b].start_ms));
    for (const at of below) {
      found.push({ ...phases[at], depth });
      if (depth < 40) walk(at, depth + 1);
    }
  };
  walk(-1, 0);
  return found;
}

// The times that no phase covers.
function holes(phases, total) {
  const found = [];
  let end = 0;
  for (const { start_ms: start, duration_ms: duration } of phases.filter(({ depth }) => depth === 0)) {
    if (start > end) found.push([end, start - end]);
    end = Math.max(end, start + duration);
  }
  if (total > end) found.push([end, total - end]);
  return found;
}

function waterfall(profile) {
  const total = Math.max(1e-9, real(profile.total_duration_ms) || 0);
  const phases = nested(Array.isArray(profile.phases) ? profile.phases.slice(0, 500) : []);
  const percent = (ms) => `${Math.min(100, Math.max(0, (ms / total) * 100)).toFixed(3)}%`;
  const bars = (name, parts, kind) => el("svg", { class: "bars", role: "img", "aria-label": name, height: 16, width: "100%" },
    parts.map(([start, duration]) => el("rect", { class: kind, x: percent(real(start) || 0), width: percent(real(duration) || 0), y: 2, height: 12, rx: 1 })));
  const ms = (value) => format.seconds(real(value) / 1000);
  const row = (name, depth, parts, kind, took, own) => {
    const label = el("th", { scope: "row" }, el("span", { class: "name", title: name }, name));
    label.style.setProperty("--depth", Math.min(depth, 8));
    const from = parts.length ? ms(parts[0][0]) : NONE;
    return el("tr", { "data-depth": depth }, label, el("td", { class: "history" }, bars(`${name}: from ${from}, for ${ms(took)}`, parts, kind)),
      el("td", { class: "number" }, ms(took)), el("td", { class: "number" }, ms(own)));
  };
  const facts = [["request", profile.request_id], ["trace", profile.trace_id], ["began", profile.started_at],
    ["received", format.bytes(real(profile.request_bytes))], ["sent", format.bytes(real(profile.response_bytes))],
    ["cut off by the client", profile.aborted ? "yes" : null], ["phases left out", profile.phases_dropped || null]];
  requests.fall.replaceChildren(
    el("h3", {}, clean(`${profile.method} ${profile.endpoint}`), ` ${clean(profile.status ?? "")} in ${ms(profile.total_duration_ms)}`),
    el("dl", { class: "facts" }, facts.filter(([, value]) => value != null).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, clean(value))))),
    el("table", {}, el("caption", { class: "unseen" }, "Phases of the request"), el("thead", {}, el("tr", {}, [["phase", ""], ["from start to end", ""], ["took", "number"],
      ["itself", "number"]].map(([head, kind]) => el("th", { scope: "col", class: kind }, head)))),
    el("tbody", {}, phases.map(({ name, depth, start_ms, duration_ms, self_ms }) => row(clean(name), depth, [[start_ms, duration_ms]], `p${Math.min(depth, 3)}`, duration_ms, self_ms)),
      row("in no phase", 0, holes(phases, total), "hole", profile.unaccounted_ms, profile.unaccounted_ms))));
}

// Anew: when asked to, and now and then while somebody looks.
async function refresh(asked) {
  if (token === null || (!asked && (asking > 0 || view.end !== null || document.hidden || Date.now() - requests.loaded < REFRESH))) return;
  requests.loaded = Date.now();
  const given = token;
  await loadProfiles().catch((cause) => token === given && trouble("requests", cause));
  if (token === given && (asked || flame.idle())) await loadFlame().catch((cause) => token === given && trouble("flame", cause));
}
