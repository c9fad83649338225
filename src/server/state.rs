//! The shared state of a server, and how it answers one request.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
#[cfg(feature = "tls")]
use hyper::header::STRICT_TRANSPORT_SECURITY;
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use tokio::time::timeout;

use super::body::Body;
use super::debug;
use super::form::{self, Fault};
use super::health::{self, Heartbeat};
use super::link::{InFlight, Link};
use super::metrics::{Scrapes, Wish};
use super::observe::ServedBody;
use super::options::Options;
use super::profiles;
use super::refused::{Counts, Refused};
use super::request::{self, Request};
use super::respond::{self, Response};
use super::route::{Found, Handler, Route, RouteError, Routes, Table};
use super::shutdown::Shutdown;
#[cfg(feature = "tls")]
use super::tls;
use crate::Registry;
use crate::http::journey::{BytesRead, Journey, Observation};
use crate::http::{HttpMetrics, Method, headers};
use crate::profile::OpenProfile;
use crate::profile::server_timing::server_timing;
use crate::sync::{AtomicU64, Ordering};

const METRICS: &str = "/metrics";

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Everything that the connections of a server share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct State(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    table: Table,
    http: HttpMetrics,
    heartbeat: Heartbeat,
    shutdown: Shutdown,
    counts: Counts,
    in_flight: RequestsInFlight,
    /// What is said of TLS, where it is spoken.
    #[cfg(feature = "tls")]
    hsts: Option<HeaderValue>,
    options: Options,
}

/// Requests in flight that are no monitoring traffic.
///
/// # Orderings
///
/// Relaxed: the count stands for itself. Who finds it full has seen as many begin, and some may have ended meanwhile.
#[derive(Debug)]
pub(super) struct RequestsInFlight {
    count: AtomicU64,
    most: u64,
}

impl RequestsInFlight {
    /// Counts one more, and tells whether there is room for it.
    pub(super) fn inc(&self) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed) < self.most
    }

    pub(super) fn dec(&self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether a connection is one of those that the limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Admitted,
    /// Beyond a limit: only monitoring routes are answered, and only once.
    Surplus(Refused),
}

impl State {
    /// Makes the state of a server that answers `/metrics` of `registry`, `/health*` and `routes`, and observes all requests
    /// with `http`.
    ///
    /// # Errors
    ///
    /// When two routes clash, or a path is malformed or the server's own: no route's series have been declared then. When a family of
    /// the registry has a name of those that the server counts in.
    pub fn new(registry: &Registry, http: &HttpMetrics, routes: Routes, options: Options) -> Result<Self, RouteError> {
        routes.keep_off(&[METRICS])?;
        routes.keep_off(&health::PATHS)?;
        if options.profiler.is_some() {
            routes.keep_off(&profiles::PATHS)?;
        }
        let heartbeat = Heartbeat::new();
        let served = http.served(registry).map_err(|why| RouteError::Register { why })?;
        let scrapes = Arc::new(Scrapes::new(registry, served, &options));
        let shutdown = Shutdown::new();
        let routes = routes.route(Route::get(METRICS).answers([503]).monitoring(), move |request| {
            let wish = Wish::of(request.uri(), request.headers());
            Arc::clone(&scrapes).answer(wish)
        });
        let routes = health::routes(routes, registry, http, &heartbeat, &shutdown, &options);
        let routes = profiles::routes(routes, &options);
        // 503 everywhere: no handler is waited for without end.
        let everywhere: &[u16] = if options.max_connections_per_address > 0 { &[429, 503] } else { &[503] };
        let table = Table::new(http, routes, everywhere)?;
        if let Some(profiler) = &options.profiler {
            http.exemplars_from(profiler);
        }
        if options.profiler.is_some() || !options.tokens.is_empty() {
            debug::declare(http);
        }
        http.max_connections().set(options.max_connections as f64);
        let (counts, most) = (Counts::new(served), options.max_requests as u64);
        let in_flight = RequestsInFlight { count: AtomicU64::new(0), most };
        #[cfg(feature = "tls")]
        let hsts = tls::policy(&options);
        Ok(Self(Arc::new(Shared {
            table,
            http: http.clone(),
            heartbeat,
            shutdown,
            counts,
            in_flight,
            #[cfg(feature = "tls")]
            hsts,
            options,
        })))
    }

    /// Tells everybody who asks `/health/ready` that no more requests shall come, and ends the answers that have no end
    /// ([`Body::endless`](super::Body::endless)). [`run`](super::run) does both by itself; this is for who serves connections of another
    /// kind with [`serve_connection`](super::serve_connection), before they are ended.
    ///
    /// # Examples
    ///
    /// ```
    /// use tachograph::http::{HttpMetrics, HttpOptions};
    /// use tachograph::server::{self, Options, Routes, State};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// # let registry = tachograph::Registry::new();
    /// # let http = HttpMetrics::register(&registry, HttpOptions::default())?;
    /// let state = State::new(&registry, &http, Routes::new(), Options::default())?;
    /// state.begin_shutdown();
    /// let (mut client, io) = tokio::io::duplex(4096);
    /// let serving = tokio::spawn(server::serve_connection(io, "127.0.0.1:1".parse()?, state));
    /// client.write_all(b"GET /health/ready HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").await?;
    /// let mut answer = String::new();
    /// client.read_to_string(&mut answer).await?;
    /// assert!(answer.starts_with("HTTP/1.1 503 "));
    /// # serving.await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })
    /// # }
    /// ```
    pub fn begin_shutdown(&self) {
        self.0.shutdown.begin();
        self.0.shutdown.end_streams();
    }

    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(super) fn http(&self) -> &HttpMetrics {
        &self.0.http
    }

    pub(super) fn heartbeat(&self) -> &Heartbeat {
        &self.0.heartbeat
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    pub(super) fn requests_in_flight(&self) -> &RequestsInFlight {
        &self.0.in_flight
    }

    fn refusal_of_debug(&self, peer: SocketAddr, head: &Parts) -> Option<Response> {
        let options = &self.0.options;
        debug::refusal(&self.0.http, options, request::client(peer, &head.headers, options), &head.headers)
    }

    /// Adds what every answer says to browsers.
    fn secure(&self, fields: &mut HeaderMap) {
        respond::secure(fields);
        #[cfg(feature = "tls")]
        if let Some(hsts) = &self.0.hsts {
            fields.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }

    /// Tells the client the id under which the request will be found and, if it may know, its phases.
    fn tell(&self, profile: &OpenProfile, fields: &mut HeaderMap) {
        headers::tell_id(profile, fields);
        if self.0.options.server_timing
            && profile.is_enabled()
            && let Ok(phases) = HeaderValue::from_maybe_shared(server_timing(&profile.phases(), profile.elapsed()))
        {
            fields.insert(SERVER_TIMING, phases);
        }
    }

    /// Counts what is refused, and answers it.
    fn refuse(&self, reason: Refused, told: &str) -> Response {
        self.0.counts.refused(reason);
        let response = respond::error(reason.status(), told);
        match reason {
            Refused::Late | Refused::Busy | Refused::Connections | Refused::AddressConnections => {
                respond::retry_after(response, 1)
            }
            _ => response,
        }
    }

    /// Refuses a head that is not as it must be. What comes after it may be another request, or made to look like one.
    fn refuse_head(&self, fault: &Fault) -> Response {
        let mut response = self.refuse(fault.reason, fault.told);
        *response.status_mut() = fault.status;
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    }

    /// Counts and tells that a handler, or a body of its making, panicked with these words.
    pub(super) fn panicked(&self, message: &str) {
        self.0.counts.handler_panics.inc();
        tracing::error!(message, "a handler panicked");
    }

    /// Calls a handler. One that panics is answered 500 and goes no further, one that takes too long is given up and answered 503.
    async fn call(&self, handler: &Handler, request: Request) -> Response {
        match timeout(self.0.options.request_timeout, caught(handler, request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(panic)) => {
                self.panicked(crate::panic::words(&*panic));
                let told = "the request could not be answered, this is a bug of the server";
                respond::error(StatusCode::INTERNAL_SERVER_ERROR, told)
            }
            Err(_) => self.refuse(Refused::Late, "the request took too long and was given up, try again in a second"),
        }
    }
}

/// Answers the request of a connection whose head has just been read.
///
/// It is observed from now on, not from when the future is first polled: hyper drops that unpolled when it finds the client gone in
/// the same look that brought the head.
pub(super) fn answer(link: &Arc<Link>, request: hyper::Request<Incoming>) -> impl Future<Output = hyper::Response<ServedBody>> {
    let started = Instant::now();
    // At once: the intake must know of it before it is asked for more.
    let turn = link.begin(request.body());
    let (state, options) = (&link.state, link.state.options());
    let table = &state.0.table;
    let (head, body) = request.into_parts();
    let method = Method::parse(head.method.as_str());
    let fault = form::fault(&head, turn.length_told(), options.max_uri_bytes);
    // A path that is too long is looked up nowhere.
    let found = if fault.as_ref().is_some_and(|fault| fault.reason == Refused::UriLong) { None } else { table.find(&head.uri) };
    let endpoint = found.as_ref().map_or(table.unmatched(), |found| &found.path.endpoint);
    let debugging = debug::covers(head.uri.path());
    let monitoring = debugging || found.as_ref().is_some_and(|found| found.path.monitoring);
    let profiler = options.profiler.as_ref().filter(|_| !monitoring);
    let profile = Arc::new(headers::profile(profiler, &head.headers, endpoint.name(), method).begun_at(started));
    let journey = Journey { read: BytesRead::new(), profile };
    let observation = Observation::new(endpoint.clone(), journey.clone());
    async move {
        let refusal = if debugging && fault.is_none() { state.refusal_of_debug(link.peer, &head) } else { None };
        let place = if monitoring { Ok(None) } else { InFlight::take(link) };
        let mut response = match found {
            _ if let Some(fault) = &fault => state.refuse_head(fault),
            _ if let Standing::Surplus(reason) = link.standing
                && !monitoring =>
            {
                let told = match reason {
                    Refused::AddressConnections => "your address has too many connections, close some or try again in a second",
                    _ => "all connections are taken, try again in a second",
                };
                state.refuse(reason, told)
            }
            _ if let Err(reason) = place => {
                state.refuse(reason, "as many requests as may be are under way, try again in a second")
            }
            _ if let Some(refusal) = refusal => refusal,
            None => table.not_found(),
            Some(Found { path, params }) => match path.handler(method) {
                None => path.wrong_method(),
                Some((handler, limit)) => {
                    let request = Request::new(head, link, params, body, &journey, limit.unwrap_or(options.body_limit));
                    // The spans of the handler become phases, if there is a layer for that.
                    Arc::clone(&journey.profile).scope(state.call(handler, request)).await
                }
            },
        };
        state.secure(response.headers_mut());
        let mut response = if method == Method::Head { without_body(response) } else { response };
        state.tell(&journey.profile, response.headers_mut());
        if state.0.shutdown.has_begun() {
            // A client that is told goes elsewhere in peace. One that is not may send its next request while the connection is
            // being closed, and cannot know whether it was taken.
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        ServedBody::attach(response, observation, turn, place.ok().flatten())
    }
}

/// Calls a handler, and catches its panic.
async fn caught(handler: &Handler, request: Request) -> std::thread::Result<Response> {
    let mut answering = pin!(async move { handler(request).await });
    std::future::poll_fn(move |cx| {
        // A panicked future is never polled again, and what it shared with others is behind their own locks.
        match catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// Takes the body from the answer to a HEAD request, and leaves the length it would have had. hyper would send no body
/// either, but keep it, and with it the observation, until some time after the head is sent.
fn without_body(response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}
