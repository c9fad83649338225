//! A live page about the service: `GET /`, one document without anything from elsewhere, and `GET /events`, the stream behind
//! it.
//!
//! A [`Page`] takes a tick a second out of a snapshot, also when nobody looks, and keeps the last hour in memory that it
//! takes once. Each tick is written once, and all who look get the same bytes. Any service that has the [`server`] can have
//! the page: it shows the families that it knows, whoever registered them, and leaves out what is not there.
//!
//! # Events
//!
//! `/events` is a stream of server-sent events. Numbers are finite or `null`, which is what is not known; times are
//! milliseconds since 1970.
//!
//! | event | when | data |
//! |---|---|---|
//! | `hello` | first | `v` (1), `tick_ms`, `history_s`, `bounds` (seconds, of `b`), `checks` (names, of `hc`), `started`, `build.version`, `profiles`, `frames` |
//! | `history` | then | the keys of `tick`, each a list over time, oldest first |
//! | `tick` | each second | below |
//! | `now` | then, and each second | tables of the moment: `endpoints`, `scenes`, `scene_errors`, `auth`, `limited`, `checks`, `status`, of 20 rows at most |
//! | `trouble` | when no figures can be had | `t`, `text`; the next `tick` ends it |
//!
//! | key of `tick` | what |
//! |---|---|
//! | `t` | wall clock |
//! | `r2` `r3` `r4` `r5` `ro` | user requests a second by class of their status, `ro` of any other |
//! | `p50` `p90` `p95` `p99` | seconds, of the user requests of the last 10 s, at most 1 in 128 above the exact value |
//! | `b` | user requests that ended in this tick by duration: one count for each of `bounds`, and one above |
//! | `conn` `connmax` | connections open, and at most; 0 for no limit |
//! | `sok` `serr` `aok` `aerr` `rl` | a second: scene loads and their errors, authentications and their failures, rate-limited requests |
//! | `rss` `cpu` | bytes of memory, processors in use |
//! | `fps` `frame` | `engine_frames_total` a second, and the 0.99 quantile of `engine_frame_duration_seconds` |
//! | `snap` `series` `held` `shards` | the engine's own: seconds of a snapshot, series, bytes, shards |
//! | `h` `hc` | health, and each check: 0 healthy, 1 degraded, 2 unhealthy |
//!
//! *User requests* are those of endpoints other than `/`, `/events`, `/metrics`, `/health*`, `/debug/*` and `/demo/*`, as the
//! alerting rules have it. (The quantiles leave out what is declared as monitoring traffic.) Numbers with a fraction have
//! four digits.
//!
//! Rates are of the time that really lay between two snapshots. A process that was stopped, or that had no processor for
//! three ticks, has a gap there and no spike. When the wall clock is set back, or a check of health is registered, the
//! streams end, and their clients come again for a new history.
//!
//! Who accepts gzip gets the events in it: each is compressed once for all, and half an hour of the demo's history is
//! 75 kB instead of 367.
//!
//! A viewer that is slow misses ticks, but gets the newest one when there is room; one that takes nothing is cut after the
//! server's [`write_timeout`](crate::server::Options::write_timeout). The shutdown of the server ends the streams,
//! those in gzip without its checksum.
//!
//! # Examples
//!
//! ```
//! use tachograph::http::{HttpMetrics, HttpOptions};
//! use tachograph::page::{Page, PageOptions};
//! use tachograph::server::{self, Options, Routes, State};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let registry = tachograph::Registry::new();
//! let http = HttpMetrics::register(&registry, HttpOptions::default())?;
//! let page = Page::start(&registry, PageOptions { title: "Jobs & queues".into(), ..PageOptions::default() })?;
//! let state = State::new(&registry, &http, page.routes(Routes::new()), Options::default())?;
//! # let (mut client, io) = tokio::io::duplex(4096);
//! # let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state));
//! # client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
//! # let mut answer = String::new();
//! # client.read_to_string(&mut answer).await?;
//! # serving.await?;
//! // GET /
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert!(answer.contains("<title>Jobs &amp; queues</title>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! The path of a figure through the files: `ticker` takes the snapshot, `read`, `endpoints`, `latency` and `tables` read it,
//! `tick` makes a row of two of them, `history` keeps it, `events` hands it out, `wire` has its bytes. `document` has the page, `figures` its
//! tables for who has no scripts.

mod document;
mod endpoints;
mod events;
mod figures;
mod history;
mod latency;
mod quantile;
mod read;
mod tables;
mod tick;
mod ticker;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};

use crate::Registry;
use crate::exposition::Coding;
use crate::server::{self, Body, Request, Response, Route, Routes, StatusCode};
use document::Document;
use events::Hub;
use history::History;
use ticker::{Setting, Stop, Ticker};

/// Seconds after which to come again when all places are taken.
const COME_AGAIN: u64 = 10;

const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// How a [`Page`] is set up.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tachograph::page::PageOptions;
///
/// let options = PageOptions { history: Duration::from_secs(600), profiles: true, ..PageOptions::default() };
/// assert_eq!((options.tick, options.max_viewers), (Duration::from_secs(1), 100));
/// ```
#[derive(Clone, Debug)]
pub struct PageOptions {
    /// Title of the document. "Tachograph".
    pub title: String,
    /// Links at its head: text and address. `metrics` and `health`, which lie beside the page also behind a prefix of a proxy.
    pub links: Vec<(String, String)>,
    /// The time from one tick to the next: 1 s. Less than 100 ms counts as 100 ms, more than 10 s as 10 s.
    pub tick: Duration,
    /// How far back the history goes: an hour, and no more than 100 000 ticks. Each takes 176 bytes, from the start on.
    pub history: Duration,
    /// Streams at once: 100. Beyond it `/events` is answered 503 with `Retry-After`.
    pub max_viewers: usize,
    /// Whether the server has a [profiler](crate::server::Options::profiler), so that the page asks for slow requests. False.
    pub profiles: bool,
}

impl Default for PageOptions {
    fn default() -> Self {
        let link = |text: &str, address: &str| (text.to_owned(), address.to_owned());
        Self {
            title: "Tachograph".into(),
            links: vec![link("metrics", "metrics"), link("health", "health")],
            tick: Duration::from_secs(1),
            history: Duration::from_secs(3_600),
            max_viewers: 100,
            profiles: false,
        }
    }
}

/// A page that is kept up to date by a thread of its own, for as long as the page or a server with its routes is there.
///
/// Cloning is cheap, and clones are the same page. See the [module](self).
#[derive(Clone, Debug)]
pub struct Page(Arc<Running>);

#[derive(Debug)]
struct Running {
    hub: Arc<Hub>,
    document: Document,
    stop: Arc<Stop>,
    max_viewers: usize,
}

impl Page {
    /// Starts to look at a registry, from now on.
    ///
    /// # Errors
    ///
    /// When there is no thread to be had.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::page::{Page, PageOptions};
    /// use tachograph::server::Routes;
    ///
    /// let page = Page::start(&tachograph::Registry::new(), PageOptions::default())?;
    /// let routes = page.routes(Routes::new());
    /// assert_eq!(page.viewers(), 0);
    /// assert!(format!("{routes:?}").contains("\"/events\""));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn start(registry: &Registry, options: PageOptions) -> std::io::Result<Self> {
        let PageOptions { title, links, tick, history, max_viewers, profiles } = options;
        let tick = tick.clamp(Duration::from_millis(100), Duration::from_secs(10));
        let rows = (history.as_millis() / tick.as_millis()).clamp(1, 100_000) as u32;
        let hub = Arc::new(Hub::new(History::new(rows as usize), max_viewers));
        let stop = Arc::new(Stop::default());
        let setting = Setting { registry: registry.clone(), tick, history: tick * rows, profiles };
        let (ticker, stopping) = (Ticker::new(Arc::clone(&hub), setting), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("tachograph-page".into());
        thread.spawn(move || ticker::run(ticker, &stopping))?;
        Ok(Self(Arc::new(Running { hub, document: Document::new(&title, &links), stop, max_viewers })))
    }

    /// Appends the page's routes to those of a server: `GET /` and `GET /events`, both monitoring traffic.
    pub fn routes(&self, routes: Routes) -> Routes {
        let (document, events) = (Arc::clone(&self.0), Arc::clone(&self.0));
        routes
            .route(Route::get("/").answers([304]).monitoring(), move |request| document_of(Arc::clone(&document), request))
            .route(Route::get("/events").answers([503]).monitoring(), move |request| events_of(Arc::clone(&events), request))
    }

    /// Streams that are open now.
    pub fn viewers(&self) -> usize {
        self.0.hub.viewers()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.stop();
        self.hub.end();
    }
}

async fn document_of(page: Arc<Running>, request: Request) -> Response {
    // The first who asks after a tick has it made and compressed, which takes a millisecond or so.
    let headers = request.headers().clone();
    let made = tokio::task::spawn_blocking(move || page.document.answer(&page.hub, &headers));
    made.await.unwrap_or_else(|cause| failed(&cause))
}

async fn events_of(page: Arc<Running>, request: Request) -> Response {
    let (hub, max_viewers) = (Arc::clone(&page.hub), page.max_viewers);
    // All browsers take it; pieces of zstd that follow each other are not known to all that take that.
    let gzip = Coding::Gzip.is_taken(request.headers().get_all(ACCEPT_ENCODING));
    let viewer = match tokio::task::spawn_blocking(move || hub.view(gzip)).await {
        Ok(Some(viewer)) => viewer,
        Ok(None) => {
            let busy = format!("all {max_viewers} places are taken, close another page or come again");
            return server::retry_after(server::error(StatusCode::SERVICE_UNAVAILABLE, &busy), COME_AGAIN);
        }
        Err(cause) => return failed(&cause),
    };
    let mut response = Response::new(Body::endless(viewer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // nginx would else hold back what it has not a buffer full of.
    headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

fn failed(cause: &tokio::task::JoinError) -> Response {
    tracing::error!(%cause, "the page could not be made");
    server::error(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made, this is a bug of the server")
}
