// The stream of events: it is opened, read, and opened again for as long as the page is there.
const link = { source: null, state: "connecting", since: Date.now(), opened: 0, heard: 0, greeting: null, begun: false, version: null, tries: 0, timer: 0 };
let tables = null;

function linkState(state, text) {
  if (link.state !== state) {
    link.state = state;
    link.since = Date.now();
    say(text);
  }
  notice("link", state === "live" ? null : text);
  root.dataset.link = state;
}

// What is not understood is said, and the next event may be better.
const read = (name, take) => (event) => {
  try {
    take(JSON.parse(event.data));
    link.heard = performance.now();
    notice(`read ${name}`, null);
  } catch (cause) {
    notice(`read ${name}`, `The server sent something that this page does not understand (${name}: ${cause.message}).`, reload());
  }
};

const takers = {
  // What is shown stays until the history is there that takes its place.
  hello(hello) {
    [link.greeting, link.begun] = [null, false];
    link.greeting = greeting(hello);
    const version = clean(hello.build?.version ?? "");
    if (link.version !== null && link.version !== version) {
      notice("version", `The server is now version ${version}, this page is of ${link.version}.`, reload());
    }
    link.version ??= version;
  },
  history(history) {
    if (!link.greeting) return;
    if (!Array.isArray(history.t)) throw new Error("a history without its times");
    const goesOn = link.greeting.hello.started === store.hello?.started;
    begin(link.greeting);
    putHistory(history);
    link.begun = true;
    begun(goesOn);
    arrived();
  },
  tick(tick) {
    if (!link.begun) return;
    putTick(tick);
    notice("trouble", null);
    arrived();
  },
  now(now) {
    if (!link.begun) return;
    if (typeof now !== "object" || now === null) throw new Error("no tables");
    tables = now;
    schedule();
  },
  trouble(trouble) {
    notice("trouble", `The server has no new figures: ${clean(trouble.text)}`);
  },
};

function connect() {
  clearTimeout(link.timer);
  link.source?.close();
  link.opened = link.heard = performance.now();
  [link.greeting, link.begun] = [null, false];
  const source = new EventSource("events");
  link.source = source;
  for (const [name, take] of Object.entries(takers)) source.addEventListener(name, read(name, take));
  source.addEventListener("error", () => {
    if (source === link.source) lost();
  });
}

// A lost stream is opened again by us, not by the browser: each has rules of its own when it stops to try.
async function lost() {
  link.source.close();
  link.source = null;
  // One that ends soon after it has begun is not opened again as soon as it ends; nor do all who lost a server come back at once.
  link.tries = link.begun && performance.now() - link.opened > 10e3 ? 1 : link.tries + 1;
  let wait = Math.min(5000, 250 * 2 ** Math.min(link.tries, 5)) * (0.75 + Math.random() / 2);
  linkState("lost", `Reconnecting since ${clock(link.state === "lost" ? link.since : Date.now())}. What is shown is from before.`);
  schedule();
  // Why, is not told to who opens a stream, only to who asks.
  const asking = new AbortController();
  try {
    const limit = setTimeout(() => asking.abort(), 4000);
    const response = await fetch("events", { method: "HEAD", signal: asking.signal, cache: "no-store", credentials: "omit" });
    clearTimeout(limit);
    if (response.status === 503) {
      wait = 1000 * Math.min(60, Math.max(1, Number(response.headers.get("retry-after")) || 10));
      linkState("lost", `Too many viewers: the server has no place for one more. The next try is in ${Math.round(wait / 1000)} seconds.`);
    } else if (response.ok) wait = link.tries > 1 ? wait : 0;
    else linkState("lost", `The server answers ${response.status} instead of figures. The page tries on.`);
  } catch {
    // It is away, and is asked again.
  }
  asking.abort();
  link.timer = setTimeout(connect, wait);
}

// A connection may die without a word.
setInterval(() => {
  if (link.source && performance.now() - link.heard > Math.max(6000, store.tick * 6)) lost();
}, 1000);

function arrived() {
  linkState("live", link.state === "lost" ? "Connected again" : "Connected");
  followed();
  tellHealth();
  schedule();
}
