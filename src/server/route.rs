//! Routes: what a user declares, and the table that a request is looked up in.
//!
//! The table holds the [`Endpoint`] of each path, so a request finds its route, its handler and its metrics with one walk
//! through the tree of paths.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{StatusCode, Uri};
use serde_json::{Value, json};

use super::request::Request;
use super::respond::{self, Response};
use crate::RegisterError;
use crate::http::{Endpoint, HttpMetrics, Method};

/// The endpoint under which requests for unknown paths are counted.
const UNMATCHED: &str = "unmatched";

/// Statuses that every route may answer, so that each has its series from the start.
const ALWAYS: [u16; 3] = [200, 400, 500];
/// Those of requests that find none: a head that is refused, no such path, a URI that is too long to be one.
const ELSEWHERE: [u16; 3] = [400, 404, 414];

pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;
pub(super) type Handler = Box<dyn Fn(Request) -> Answering + Send + Sync>;
/// The routes of one path with their handlers.
type Declared = Vec<(Route, Handler)>;
/// One of them as it is served, with the limit of its body if it has its own.
type Served = (Method, Handler, Option<usize>);

/// What is known of a route beside its handler: method, path, the statuses it may answer, whether it is monitoring traffic, the largest
/// body that it takes.
///
/// # Examples
///
/// ```
/// use tachograph::http::Method;
/// use tachograph::server::Route;
///
/// let route = Route::new(Method::Put, "/scene/{id}").answers([404]).monitoring();
/// assert!(format!("{route:?}").contains("monitoring: true"));
/// ```
#[derive(Clone, Debug)]
pub struct Route {
    method: Method,
    path: String,
    statuses: Vec<u16>,
    monitoring: bool,
    body_limit: Option<usize>,
}

impl Route {
    /// Declares a route. A path may hold `{name}` in place of a segment and end in `{*rest}`.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), statuses: Vec::new(), monitoring: false, body_limit: None }
    }

    /// Declares a GET route. It answers HEAD too, unless HEAD has a route of its own.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// Declares a POST route.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path)
    }

    /// Names the statuses that the route can answer beside 200, 400 and 500. Their series exist at 0 from the start, so
    /// that a rate sees the first of them.
    pub fn answers(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses.extend(statuses);
        self
    }

    /// Limits the route's bodies to so many bytes, in place of [`Options::body_limit`](super::Options::body_limit): more where uploads come
    /// in, less where a few words do.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::{HttpMetrics, HttpOptions};
    /// use tachograph::server::{self, Options, Route, Routes, State, StatusCode};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// let route = Route::post("/name").answers([408, 413]).body_limit(5);
    /// let routes = Routes::new().route(route, |mut request| async move {
    ///     match request.body().await {
    ///         Ok(name) => server::plain(StatusCode::OK, "text/plain", name),
    ///         Err(cause) => cause.into(),
    ///     }
    /// });
    /// # let registry = tachograph::Registry::new();
    /// # let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    /// # let state = State::new(&registry, &http, routes, Options::default())?;
    /// # let (mut client, io) = tokio::io::duplex(4096);
    /// # let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state));
    /// # client.write_all(b"POST /name HTTP/1.1\r\nHost: here\r\nContent-Length: 6\r\nConnection: close\r\n\r\nAurora").await?;
    /// # let mut answer = String::new();
    /// # client.read_to_string(&mut answer).await?;
    /// # serving.await?;
    /// // POST /name with "Aurora"
    /// assert!(answer.starts_with("HTTP/1.1 413 "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })
    /// # }
    /// ```
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    /// Marks the route as monitoring traffic: counted, but no part of the users' latency, and answered beyond
    /// [`Options::max_connections`](super::Options::max_connections) too.
    pub fn monitoring(mut self) -> Self {
        self.monitoring = true;
        self
    }
}

/// Routes with their handlers.
#[derive(Default)]
pub struct Routes(Vec<(Route, Handler)>);

impl Routes {
    /// Makes an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a route with the function that answers it.
    pub fn route<F, A>(mut self, route: Route, handler: F) -> Self
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Response> + Send + 'static,
    {
        self.0.push((route, Box::new(move |request| Box::pin(handler(request)))));
        self
    }

    /// Refuses routes on paths that are taken, or that no request can have.
    pub(super) fn keep_off(&self, paths: &[&str]) -> Result<(), RouteError> {
        if let Some((route, _)) = self.0.iter().find(|(route, _)| !route.path.starts_with('/')) {
            return Err(RouteError::Relative { path: route.path.clone() });
        }
        match self.0.iter().find(|(route, _)| paths.contains(&&*route.path)) {
            Some((route, _)) => Err(RouteError::Reserved { path: route.path.clone() }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(route, _)| route)).finish()
    }
}

/// Why a list of routes cannot be served.
///
/// # Examples
///
/// ```
/// use tachograph::http::{HttpMetrics, HttpOptions};
/// use tachograph::server::{self, Options, Route, RouteError, Routes, State, StatusCode};
///
/// let registry = tachograph::Registry::new();
/// let http = HttpMetrics::register(&registry, HttpOptions::default())?;
/// let hello = |_request| async { server::plain(StatusCode::OK, "text/plain", "hello\n") };
/// let routes = Routes::new().route(Route::get("metrics"), hello);
/// let error = State::new(&registry, &http, routes, Options::default()).unwrap_err();
/// assert_eq!(error, RouteError::Relative { path: "metrics".into() });
/// # Ok::<(), tachograph::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError {
    /// The path is malformed or crosses one that is there: see why.
    Path {
        /// The path as declared.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The path does not begin with `/`, as those of all requests do: put one before it.
    Relative {
        /// The path as declared.
        path: String,
    },
    /// The path is one that the server answers itself: choose another.
    Reserved {
        /// The path as declared.
        path: String,
    },
    /// A method has two routes on one path: leave one out.
    Repeated {
        /// The path as declared.
        path: String,
        /// The method that has two.
        method: Method,
    },
    /// One path is declared both as monitoring traffic and not: declare all its routes alike.
    Mixed {
        /// The path as declared.
        path: String,
    },
    /// The registry does not take what the server counts in: see why.
    Register {
        /// What is wrong.
        why: RegisterError,
    },
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path { path, why } => write!(f, "the route {path} cannot be served: {why}"),
            Self::Relative { path } => write!(f, "the route {path} does not begin with /, write /{path}"),
            Self::Reserved { path } => write!(f, "the route {path} is the server's own, choose another path"),
            Self::Repeated { path, method } => {
                write!(f, "the route {} {path} is declared twice, leave one out", method.as_str())
            }
            Self::Mixed { path } => {
                write!(f, "the routes of {path} differ in being monitoring traffic, declare them alike")
            }
            Self::Register { why } => write!(f, "the server's own metrics cannot be registered: {why}"),
        }
    }
}

impl std::error::Error for RouteError {}

/// All routes of a server, ready for look-ups.
pub(super) struct Table {
    router: matchit::Router<Path>,
    unmatched: Endpoint,
    /// The JSON that says which routes there are.
    listing: Bytes,
}

/// One path with its handlers by method.
pub(super) struct Path {
    pub(super) endpoint: Endpoint,
    pub(super) monitoring: bool,
    handlers: Vec<Served>,
    allow: HeaderValue,
    /// The JSON that says which methods the path has.
    refusal: Bytes,
}

/// What a look-up finds: a path with what its template left open.
pub(super) struct Found<'table> {
    pub(super) path: &'table Path,
    pub(super) params: Vec<(String, String)>,
}

impl Table {
    /// Builds the table and makes every series that the routes declare. `everywhere` are statuses that each route which is
    /// no monitoring traffic may answer in addition.
    pub(super) fn new(http: &HttpMetrics, routes: Routes, everywhere: &[u16]) -> Result<Self, RouteError> {
        let paths = by_path(routes)?;
        // All paths are tried before the first series is declared: a refused table leaves nothing behind.
        let mut tried = matchit::Router::new();
        for (template, _) in &paths {
            tried.insert(template, ()).map_err(|why| RouteError::Path { path: template.clone(), why: why.to_string() })?;
        }
        let mut router = matchit::Router::new();
        let mut listed = Vec::new();
        for (template, same) in paths {
            let path = Path::new(http, &template, same, everywhere);
            listed.push(json!({ "path": template, "methods": names_of(&path.handlers) }));
            router.insert(&*template, path).map_err(|why| RouteError::Path { path: template, why: why.to_string() })?;
        }
        let unmatched = http.endpoint(UNMATCHED);
        for method in [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Other] {
            for status in ELSEWHERE.iter().chain(everywhere) {
                unmatched.declare(method, *status);
            }
        }
        let listing = json!({ "error": "there is no such path, take one of the routes", "routes": listed });
        Ok(Self { router, unmatched, listing: line(&listing) })
    }

    pub(super) fn find(&self, uri: &Uri) -> Option<Found<'_>> {
        let found = self.router.at(uri.path()).ok()?;
        let params = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Some(Found { path: found.value, params })
    }

    pub(super) fn unmatched(&self) -> &Endpoint {
        &self.unmatched
    }

    /// Answers 404 with the routes that exist.
    pub(super) fn not_found(&self) -> Response {
        respond::plain(StatusCode::NOT_FOUND, "application/json", self.listing.clone())
    }
}

impl Path {
    fn new(http: &HttpMetrics, template: &str, routes: Declared, everywhere: &[u16]) -> Self {
        let monitoring = routes.iter().any(|(route, _)| route.monitoring);
        let (endpoint, everywhere) = match monitoring {
            true => (http.monitoring_endpoint(template), &[][..]),
            false => (http.endpoint(template), everywhere),
        };
        let with_head = !routes.iter().any(|(route, _)| route.method == Method::Head);
        let mut handlers = Vec::new();
        for (route, handler) in routes {
            for status in ALWAYS.iter().chain(everywhere).chain(&route.statuses) {
                endpoint.declare(route.method, *status);
                if route.method == Method::Get && with_head {
                    endpoint.declare(Method::Head, *status);
                }
            }
            handlers.push((route.method, handler, route.body_limit));
        }
        let names: Vec<&str> = names_of(&handlers);
        let allow = HeaderValue::from_str(&names.join(", ")).expect("names of methods are plain ASCII");
        let refusal =
            line(&json!({ "error": "the path does not answer this method, take one of the methods", "methods": names }));
        Self { endpoint, monitoring, handlers, allow, refusal }
    }

    /// Returns the handler of a method, and the limit of its body if it has its own; HEAD falls back to GET.
    pub(super) fn handler(&self, method: Method) -> Option<(&Handler, Option<usize>)> {
        let of = |wanted| {
            let found = self.handlers.iter().find(|(known, ..)| *known == wanted);
            found.map(|(_, handler, body_limit)| (handler, *body_limit))
        };
        of(method).or_else(|| if method == Method::Head { of(Method::Get) } else { None })
    }

    /// Answers 405 with the methods that exist.
    pub(super) fn wrong_method(&self) -> Response {
        let mut response = respond::plain(StatusCode::METHOD_NOT_ALLOWED, "application/json", self.refusal.clone());
        response.headers_mut().insert(ALLOW, self.allow.clone());
        response
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").finish_non_exhaustive()
    }
}

/// Gathers the routes of each path, in the order in which the paths were declared.
fn by_path(routes: Routes) -> Result<Vec<(String, Declared)>, RouteError> {
    let mut paths: Vec<(String, Declared)> = Vec::new();
    for (route, handler) in routes.0 {
        let Some((path, same)) = paths.iter_mut().find(|(path, _)| *path == route.path) else {
            paths.push((route.path.clone(), vec![(route, handler)]));
            continue;
        };
        if same.iter().any(|(other, _)| other.monitoring != route.monitoring) {
            return Err(RouteError::Mixed { path: path.clone() });
        }
        if same.iter().any(|(other, _)| other.method == route.method) {
            return Err(RouteError::Repeated { path: path.clone(), method: route.method });
        }
        same.push((route, handler));
    }
    Ok(paths)
}

/// Names the methods that are answered, with HEAD where GET is.
fn names_of(handlers: &[Served]) -> Vec<&'static str> {
    let has = |wanted| handlers.iter().any(|(method, ..)| *method == wanted);
    let mut names: Vec<&'static str> = handlers.iter().map(|(method, ..)| method.as_str()).collect();
    if has(Method::Get) && !has(Method::Head) {
        names.push(Method::Head.as_str());
    }
    names
}

fn line(value: &Value) -> Bytes {
    Bytes::from(format!("{value}\n"))
}
