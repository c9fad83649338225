//! Layers for tower services, of axum and others: every request is recorded, every connection counted.
//!
//! [`HttpLayer`] has each request of a service counted, timed and profiled, once, whatever becomes of it; [`ConnectionLayer`] counts the
//! connections that a server opens.
//!
//! | a request | counts as |
//! |---|---|
//! | is answered | its status, when the last byte of the answer is handed over |
//! | is answered without an end: `text/event-stream`, or 101 | its status, with the answer's head |
//! | is given up by its client before there is an answer | 499 |
//! | is given up in the middle of its answer | the answer's status, its profile as aborted |
//! | ends in a panic, or in an error of the service | 500, its profile as aborted |
//! | is given up by its client in the middle of its own body | what the service makes of that: 400 with axum's extractors |
//!
//! It counts once its answer's body is at its end or dropped: a test looks at the counters after it has dropped the answer.
//! Two of these layers around each other count a request twice.
//!
//! # Examples
//!
//! ```
//! use std::convert::Infallible;
//! use tachograph::http::{HttpMetrics, HttpOptions};
//! use tachograph::tower::HttpLayer;
//! use tower::{Service, ServiceBuilder, service_fn};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let registry = tachograph::Registry::new();
//! let http = HttpMetrics::register(&registry, HttpOptions::default())?;
//! // With axum: `Router::layer(HttpLayer::axum(&http))`.
//! let mut service = ServiceBuilder::new()
//!     .layer(HttpLayer::new(&http, |head| (head.uri.path() == "/hello").then_some("/hello")))
//!     .service(service_fn(async |_request| Ok::<_, Infallible>(http::Response::new(String::new()))));
//!
//! service.call(http::Request::get("/hello").body(String::new())?).await?;
//! let text = registry.snapshot().text().to_owned();
//! assert!(text.contains("http_requests_total{endpoint=\"/hello\",method=\"GET\",status=\"200\"} 1\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })
//! # }
//! ```

mod body;
mod connection;
mod service;

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

pub use body::CountedBody;
pub use connection::{ConnectionLayer, CountConnections, CountedConnection, Opening};
pub use service::{HttpService, Recording};

pub use crate::http::journey::ObservedBody;
use crate::http::{Endpoint, HttpMetrics};
use crate::profile::Profiler;

/// What stands for the route of a request that has none.
const UNMATCHED: &str = "unmatched";

/// Has the requests of a service recorded.
///
/// Of layers around a service the outermost sees everything: put it there, above timeouts, limits and the like. The service finds the
/// request's profile in its extensions, as an `Arc<`[`OpenProfile`](crate::profile::OpenProfile)`>`, for phases (one that goes nowhere
/// without a [`profiler`](Self::profiler) and on monitoring routes); its spans are phases too, if there is a
/// [`ProfileLayer`](crate::profile::ProfileLayer).
///
/// # Examples
///
/// With profiles:
///
/// ```
/// use std::convert::Infallible;
/// use http::{Request, Response};
/// use tachograph::http::{HttpMetrics, HttpOptions};
/// use tachograph::profile::{ProfileOptions, Profiler};
/// use tachograph::tower::{HttpLayer, HttpService, ObservedBody};
/// use tower::{Layer, Service, service_fn};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// # let registry = tachograph::Registry::new();
/// # let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let profiler = Profiler::new(ProfileOptions::default());
/// let layer = HttpLayer::new(&http, |head| (head.uri.path() == "/hello").then_some("/hello"))
///     .profiler(&profiler)
///     .monitoring(["/metrics"]);
/// let hello = service_fn(async |_request| Ok::<_, Infallible>(Response::new(String::new())));
/// let mut service: HttpService<_> = layer.layer(hello);
/// let response: Response<ObservedBody<String>> = service.call(Request::get("/hello").body(String::new())?).await?;
/// assert!(response.headers().contains_key("x-request-id"));
/// drop(response); // its body is over, and so is the request
/// assert_eq!(&*profiler.profiles()[0].endpoint, "/hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct HttpLayer {
    http: HttpMetrics,
    profiler: Option<Profiler>,
    route: Arc<Route>,
}

/// The route of a request by its head; `None` if it has none.
type Route = dyn Fn(&Parts) -> Option<&str> + Send + Sync;

impl HttpLayer {
    /// Records requests in these metrics. `route` tells the route of each, of which there are few: `/scene/{id}`, never the path that a
    /// client has made up. Without one it is `unmatched`.
    pub fn new(http: &HttpMetrics, route: impl Fn(&Parts) -> Option<&str> + Send + Sync + 'static) -> Self {
        Self { http: http.clone(), profiler: None, route: Arc::new(route) }
    }

    /// The same for a router of axum, whose routes are known by [`MatchedPath`](axum::extract::MatchedPath). A fallback has none, nor has
    /// what is under `nest_service`: both count as `unmatched`.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use tachograph::http::{HttpMetrics, HttpOptions};
    /// use tachograph::tower::HttpLayer;
    ///
    /// let registry = tachograph::Registry::new();
    /// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    /// let app = Router::<()>::new()
    ///     .route("/scene/{id}", get(async || "a scene"))
    ///     .route("/metrics", get(async move || registry.snapshot().text().to_owned()))
    ///     .layer(HttpLayer::axum(&http).monitoring(["/metrics"]));
    /// # drop(app);
    /// # Ok::<(), tachograph::RegisterError>(())
    /// ```
    #[cfg(feature = "axum")]
    pub fn axum(http: &HttpMetrics) -> Self {
        Self::new(http, |head| head.extensions.get::<axum::extract::MatchedPath>().map(|route| route.as_str()))
    }

    /// Makes a profile of each request and shows profiles as [exemplars](HttpMetrics::exemplars_from). `X-Request-Id` and `traceparent`
    /// of the request are taken over, and `X-Request-Id` goes back in the answer.
    #[must_use]
    pub fn profiler(self, profiler: &Profiler) -> Self {
        self.http.exemplars_from(profiler);
        Self { profiler: Some(profiler.clone()), ..self }
    }

    /// Says which routes are monitoring traffic: counted, but left out of the latency window, and without profiles.
    #[must_use]
    pub fn monitoring<const N: usize>(self, routes: [&str; N]) -> Self {
        // What an endpoint is, is said by the first who names it.
        routes.iter().for_each(|route| drop(self.http.monitoring_endpoint(route)));
        self
    }

    /// The endpoint of a request.
    fn endpoint(&self, head: &Parts) -> Endpoint {
        self.http.endpoint((self.route)(head).unwrap_or(UNMATCHED))
    }
}

impl<S> Layer<S> for HttpLayer {
    type Service = HttpService<S>;

    fn layer(&self, inner: S) -> HttpService<S> {
        HttpService::new(self.clone(), inner)
    }
}

impl fmt::Debug for HttpLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLayer").field("profiler", &self.profiler.is_some()).finish_non_exhaustive()
    }
}
