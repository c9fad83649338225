//! A small HTTP/1 server around the engine: it serves `/metrics` and `/health/quick` beside routes of your own,
//! and observes every request with [`HttpMetrics`](crate::http::HttpMetrics).
//!
//! In `Cargo.toml` it takes `features = ["server"]`, `tokio` beside it, and `serde_json` for [`json`].
//!
//! The path of a request through the files: `accept` takes the connection, `connection` speaks HTTP on it, `state` finds the
//! route (`route`) and calls its handler with a [`Request`] (`request`), the handler answers with what `respond` and
//! `body` offer, and `observe` sees the answer off and counts it.
//!
//! With [`Options::profiler`] each request that is no monitoring traffic has a profile: under its own `X-Request-Id`, if it has one, and
//! with the trace id of its `traceparent`. The id goes back in the answer, and `/debug/profile*` tells the profiles to who sends
//! [`Options::token`].
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
