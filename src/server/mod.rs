//! A small HTTP/1 server around the engine: it serves `/metrics` and `/health*` beside routes of your own, and
//! observes every request with [`HttpMetrics`](crate::http::HttpMetrics).
//!
//! In `Cargo.toml` it takes `features = ["server"]`, `tokio` beside it, and `serde_json` for [`json`].
//!
//! The path of a request through the files: `accept` takes the connection if `places` has one, `connection` speaks HTTP on what `intake`
//! reads of it, `state` looks at the form of the head (`form`), finds the route (`route`) and calls its handler with a [`Request`]
//! (`request`), the handler answers with what `respond` and `body` offer, and `observe` sees the answer off and counts it. What is
//! refused on the way is in `refused`.
//!
//! A request is timed from its head read to the last byte of the answer handed over, and is counted exactly once:
//! before the client can see the answer's last byte, so that whoever has the answer finds it in the next scrape,
//! or when the connection is given up. A client that leaves before there is an answer counts as status
//! [`CLIENT_GONE`]. What never becomes a request (a malformed head, a head that is too long or never ends) is in
//! `tachograph_requests_refused_total` alone. An answer that has no end ([`Body::endless`]) is counted with its head.
//!
//! # Limits
//!
//! Each is a field of [`Options`]. Who goes beyond it is refused, and counted in `tachograph_requests_refused_total{reason}`:
//!
//! | limit | default | answer | reason |
//! |---|---|---|---|
//! | [`header_timeout`](Options::header_timeout) | 30 s | 408, and the connection ends | `head_late` |
//! | [`request_timeout`](Options::request_timeout) | 60 s | 503 with `Retry-After` | `late` |
//! | [`body_timeout`](Options::body_timeout) | 30 s | 408 | `body_late` |
//! | [`max_headers`](Options::max_headers) | 100 | 431, and the connection ends | `many_headers` |
//! | [`max_head_bytes`](Options::max_head_bytes) | 32 KiB | 431, and the connection ends | `head_large` |
//! | [`max_uri_bytes`](Options::max_uri_bytes) | 8 KiB | 414, and the connection ends | `uri_long` |
//! | [`body_limit`](Options::body_limit), of the route or of all | 16 MiB | 413 | `body_large` |
//! | [`max_requests`](Options::max_requests) | none | 503 with `Retry-After` | `busy` |
//! | [`max_connections`](Options::max_connections) | none | 503 with `Retry-After`, and the connection ends | `connections` |
//! | [`max_connections_per_address`](Options::max_connections_per_address) | none | 429 with `Retry-After`, and the connection ends | `address_connections` |
//! | RFC 9112: what is no HTTP/1, or has no or more than one `Host` | | 400, or 501 for an unknown transfer coding, and the connection ends | `malformed` |
//! | RFC 9112: a `Content-Length` beside a `Transfer-Encoding` | | 400, and the connection ends | `ambiguous_length` |
//!
//! Or its connection is closed unanswered, and counted in `tachograph_connections_closed_total{reason}`:
//!
//! | limit | default | reason |
//! |---|---|---|
//! | [`first_byte_timeout`](Options::first_byte_timeout) | 10 s | `silent` |
//! | [`idle_timeout`](Options::idle_timeout) | 60 s | `idle` |
//! | [`write_timeout`](Options::write_timeout) | 30 s for 256 KiB | `slow_reader` |
//! | [`max_connections`](Options::max_connections), and 64 more that are told so | none | `connections` |
//! | [`max_connections_per_address`](Options::max_connections_per_address), and four more that are told so | none | `address_connections` |
//!
//! Where there is a request, it is in `http_requests_total` too, under its endpoint and the status that answers it; one with too long a
//! URI under `unmatched`. A body is refused where its handler reads it ([`Request::body`]): the answer is the handler's to give.
//!
//! A handler that panics is answered 500, and counted in `tachograph_handler_panics_total`. A connection that cannot be accepted, such as
//! for want of descriptors, is tried again, and counted in `tachograph_accept_errors_total`; the log is told once when that begins and
//! once when it is over.
//!
//! # Scrapes
//!
//! `/metrics` answers in the format that `Accept` asks for ([`Encoding::negotiate`](crate::exposition::Encoding::negotiate)) and in the
//! coding that `Accept-Encoding` allows ([`Coding::negotiate`](crate::exposition::Coding::negotiate)). `?name[]=jobs_total&name[]=depth`
//! asks for the families that have one of at most 1 000 names, or samples of that name (a URI that long may need
//! a larger [`max_uri_bytes`](Options::max_uri_bytes)); other parameters say nothing.
//!
//! A client that tells how long it waits, in `X-Prometheus-Scrape-Timeout-Seconds`, has its answer a tenth of that, at most half a
//! second, before; after ten seconds no scrape is worth waiting for. What cannot be ready by then, and what is beyond
//! [`Options::max_scrapes`], is answered 503 with `Retry-After`, and counted in `tachograph_scrapes_refused_total{reason}`, as `late` or
//! `busy`.
//!
//! # Health
//!
//! What the checks of [`Options::health`] say, and the server's own signs of life (its accept loop turns, its snapshots are
//! taken):
//!
//! | request | answer |
//! |---|---|
//! | `GET /health` | all checks, from results a second old at most; older ones are renewed, once for all who ask |
//! | `GET /health/quick` | the last results and their age; nothing runs |
//! | `GET /health/live` | the signs of life and the checks of [`Group::Live`](crate::health::Group::Live), the last results |
//! | `GET /health/ready` | those of [`Group::Ready`](crate::health::Group::Ready); 503 once the shutdown has begun |
//! | `GET /health/startup` | 200 once [`HealthRegistry::has_started`](crate::health::HealthRegistry::has_started), 503 before |
//! | `GET /health/check/NAME` | one check, from a result that is at most a second old; 404 if there is none |
//!
//! It is 503 if the whole is unhealthy, else 200; with `?strict=true` a degraded one is 503 too. `?exclude=NAME`, which may be
//! repeated, leaves checks out of an answer about several. Anything else in the query is 400. `Accept:
//! application/health+json` has the answer in the form of draft-inadarei-api-health-check-06.
//!
//! Everybody is told statuses, durations and ages. What the checks say, the issues and the version are for who brings
//! one of [`Options::tokens`]. A wrong one is counted in `auth_attempts_total{result}` and answered as if there were none.
//!
//! With [`Options::drain_delay`] a server whose shutdown has begun is not ready, and takes requests for so long yet.
//!
//! # The end
//!
//! From the begin of the shutdown on each answer says `Connection: close`, and is the last of its connection: of requests that were
//! pipelined, those behind it are not taken, and not counted. When nothing more is accepted, the connections that the system had made by
//! then are served too, and one that lies idle is closed once what had come on it is answered. A client that sends at that very moment may
//! find its connection closed without an answer; with a drain delay longer than its pauses it has been told before.
//!
//! A scrape during the drain delay shows exactly the requests whose answers clients have got.
//!
//! # A process that is suspended
//!
//! The time in which a process is stopped (`SIGSTOP`, a frozen container, a machine asleep) is part of what is measured: a request in
//! flight lasts as long as its client waited, and is one observation. Nothing is made up for afterwards: windows, rates, frames and limits
//! go on from there, health renews what has grown old in the meantime at once, and the page shows a gap.
//!
//! ```
//! use tachograph::health::{CheckOptions, CheckResult, HealthRegistry};
//! use tachograph::http::{HttpMetrics, HttpOptions};
//! use tachograph::server::{self, Options, Routes, State};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let health = HealthRegistry::new();
//! health.register("queue", || async { CheckResult::degraded("900 jobs wait") }, CheckOptions::default())?;
//!
//! let registry = tachograph::Registry::new();
//! health.register_metrics(&registry)?;
//! let http = HttpMetrics::register(&registry, HttpOptions::default())?;
//! let state = State::new(&registry, &http, Routes::new(), Options { health, ..Options::default() })?;
//! # let (mut client, io) = tokio::io::duplex(4096);
//! # let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state));
//! # client.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
//! # let mut answer = String::new();
//! # client.read_to_string(&mut answer).await?;
//! # serving.await?;
//! // GET /health
//! assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
//! assert!(answer.contains("{\"status\":\"degraded\",\"age_ms\":"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```
//!
//! # Profiles
//!
//! With [`Options::profiler`] each request that is no monitoring traffic has a profile, whose phases its handler begins with
//! [`Request::phase`]; the handler runs in the profile's scope, so that a [`ProfileLayer`](crate::profile::ProfileLayer) makes phases of its
//! spans. It has the request's own `X-Request-Id` (of ASCII, cut at 64 bytes; else one is made) and the trace id of its `traceparent`. The
//! id goes back in the answer. All below `/debug` asks for one of [`Options::tokens`]:
//!
//! | request | answer |
//! |---|---|
//! | `GET /debug/profile`, or `POST` with a JSON object | the profiles that a [`Query`](crate::profile::query::Query) asks for, and statistics |
//! | `GET /debug/profile/summary` | how many there are, the slowest ones, each route |
//! | `GET /debug/profile/ID` | the slowest request with this id, else of the trace with this id |
//! | `GET /debug/profile/flamegraph` | a flame graph of those that a query asks for |
//! | `POST /debug/profile/clear` | forgets all, and tells how many |
//!
//! ```
//! use tachograph::profile::{ProfileOptions, Profiler};
//! use tachograph::server::{self, Options, Route, Routes, StatusCode, Token};
//!
//! let routes = Routes::new().route(Route::post("/upload"), |mut request| async move {
//!     let receiving = request.phase("request_body");
//!     let body = request.body().await;
//!     drop(receiving);
//!     let _counting = request.phase("counting");
//!     match body {
//!         Ok(body) => server::plain(StatusCode::OK, "text/plain", format!("{} bytes\n", body.len())),
//!         Err(cause) => cause.into(),
//!     }
//! });
//! let profiler = Profiler::new(ProfileOptions::default());
//! let options = Options { profiler: Some(profiler), tokens: Token::new("secret")?.into(), ..Options::default() };
//! assert!(options.profiler.is_some());
//! # drop(routes);
//! # Ok::<(), tachograph::server::TokenError>(())
//! ```
//!
//! # Access
//!
//! [`Options::tokens`] may be replaced at any time. An address whose tokens were wrong too often is not heard for a while
//! ([`Options::auth_failures`]). With the feature `tls`, `Options::tls` is the certificate, which may be replaced too.
//!
//! Whatever its handler says, an answer has these fields unless the handler has set them: `X-Content-Type-Options: nosniff`,
//! `Referrer-Policy: no-referrer`, `Cross-Origin-Resource-Policy: same-origin`, and `X-Frame-Options: DENY`, which a
//! `Content-Security-Policy` with `frame-ancestors` stands in for. They are missing in answers to what is no HTTP, or has more of a
//! head than there may be.
//!
//! # Examples
//!
//! ```
//! use tachograph::http::{HttpMetrics, HttpOptions};
//! use tachograph::server::{self, Options, Route, Routes, State, StatusCode};
//! use tachograph::Registry;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let registry = Registry::new();
//! let http = HttpMetrics::register(&registry, HttpOptions::default())?;
//! let routes = Routes::new().route(Route::get("/hello/{name}").answers([404]), |request| async move {
//!     match request.param("name") {
//!         Some("world") => server::plain(StatusCode::OK, "text/plain; charset=utf-8", "hello\n"),
//!         _ => server::error(StatusCode::NOT_FOUND, "only the world is greeted"),
//!     }
//! });
//! let state = State::new(&registry, &http, routes, Options::default())?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let stop = async { /* until a signal comes */ };
//! let stopped = server::run(listener, state, stop).await;
//! assert_eq!(stopped.cut, 0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```

mod accept;
mod access;
mod backoff;
mod body;
mod chunks;
mod connection;
mod debug;
mod form;
mod health;
mod intake;
mod link;
mod metrics;
mod observe;
mod options;
mod patience;
mod places;
mod profiles;
mod refused;
mod request;
mod respond;
mod route;
mod scan;
mod shutdown;
mod state;
#[cfg(feature = "tls")]
mod tls;
mod token;

pub use accept::{Stopped, run};
pub use access::{FailureLimit, Tokens, network};
pub use body::{Body, BoxError};
pub use connection::serve_connection;
pub use hyper::header;
pub use hyper::{HeaderMap, StatusCode, Uri};
pub use observe::CLIENT_GONE;
pub use options::Options;
pub use request::{BodyError, Request};
pub use respond::{Response, error, json, plain, retry_after};
pub use route::{Route, RouteError, Routes};
pub use state::State;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
pub use token::{Token, TokenError, Unauthorized};
