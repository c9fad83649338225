//! A small HTTP/1 server around the engine: it serves `/metrics` and `/health/quick` beside routes of your own,
//! and observes every request with [`HttpMetrics`](crate::http::HttpMetrics).
//!
//! In `Cargo.toml` it takes `features = ["server"]`, `tokio` beside it, and `serde_json` for [`json`].
//!
//! The path of a request through the files: `accept` takes the connection, `connection` speaks HTTP on it, `state` finds the
//! route (`route`) and calls its handler with a [`Request`] (`request`), the handler answers with what `respond` and
//! `body` offer, and `observe` sees the answer off and counts it.
//!
//! A request is timed from its head read to the last byte of the answer handed over, and is counted exactly once:
//! before the client can see the answer's last byte, so that whoever has the answer finds it in the next scrape,
//! or when the connection is given up. A client that leaves before there is an answer counts as status
//! [`CLIENT_GONE`]. What is not HTTP (a malformed head, a head that is too long or never ends) is answered or cut by
//! hyper and belongs to no request, so it is not counted.
//!
//! # Scrapes
//!
//! `/metrics` answers in the format that `Accept` asks for ([`Encoding::negotiate`](crate::exposition::Encoding::negotiate)) and in the
//! coding that `Accept-Encoding` allows ([`Coding::negotiate`](crate::exposition::Coding::negotiate)). `?name[]=jobs_total&name[]=depth`
//! asks for the families that have one of at most 1 000 names, or samples of that name; other parameters say nothing.
//!
//! A client that tells how long it waits, in `X-Prometheus-Scrape-Timeout-Seconds`, has its answer a tenth of that, at most half a
//! second, before; after ten seconds no scrape is worth waiting for. What cannot be ready by then, and what is beyond
//! [`Options::max_scrapes`], is answered 503 with `Retry-After`, and counted in `tachograph_scrapes_refused_total{reason}`, as `late` or
//! `busy`.
//!
//! # Profiles
//!
//! With [`Options::profiler`] each request that is no monitoring traffic has a profile, whose phases its handler begins with
//! [`Request::phase`]; the handler runs in the profile's scope, so that a [`ProfileLayer`](crate::profile::ProfileLayer) makes phases of its
//! spans. It has the request's own `X-Request-Id` (of ASCII, cut at 64 bytes; else one is made) and the trace id of its `traceparent`. The
//! id goes back in the answer. All below `/debug` asks for [`Options::token`]:
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
//! let options = Options { profiler: Some(profiler), token: Some(Token::new("secret")?), ..Options::default() };
//! assert!(options.profiler.is_some());
//! # drop(routes);
//! # Ok::<(), tachograph::server::TokenError>(())
//! ```
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
mod body;
mod connection;
mod debug;
mod health;
mod metrics;
mod observe;
mod options;
mod patience;
mod profiles;
mod request;
mod respond;
mod route;
mod state;
mod token;

pub use accept::{Stopped, run};
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
pub use token::{Token, TokenError, Unauthorized};
