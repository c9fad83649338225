//! The shared state of a server, and how it answers one request.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;

use super::body::Body;
use super::debug;
use super::health::{self, Heartbeat, Shutdown};
use super::metrics::{Scrapes, Wish};
use super::observe::{BytesRead, Journey, Observation, ObservedBody};
use super::options::Options;
use super::profiles;
use super::request::Request;
use super::respond::{self, Response};
use super::route::{Found, Handler, Route, RouteError, Routes, Table};
use crate::Registry;
use crate::http::{HttpMetrics, Method};
use crate::profile::server_timing::server_timing;
use crate::profile::{OpenProfile, TraceId};

const METRICS: &str = "/metrics";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Everything that the connections of a server share. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct State(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    table: Table,
    http: HttpMetrics,
    heartbeat: Heartbeat,
    shutdown: Shutdown,
    options: Options,
}

/// Whether a connection is one of those that the limit allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Admitted,
    /// Beyond the limit: only monitoring routes are answered, and only once.
    Surplus,
}

impl State {
    /// Makes the state of a server that answers `/metrics` of `registry`, `/health*` and `routes`, and observes all requests
    /// with `http`.
    ///
    /// # Errors
    ///
    /// When two routes clash, or a path is malformed or the server's own. No series have been declared then.
    pub fn new(registry: &Registry, http: &HttpMetrics, routes: Routes, options: Options) -> Result<Self, RouteError> {
        routes.keep_off(&[METRICS])?;
        routes.keep_off(&health::PATHS)?;
        if options.profiler.is_some() {
            routes.keep_off(&profiles::PATHS)?;
        }
        let heartbeat = Heartbeat::new();
        let scrapes = Arc::new(Scrapes::new(registry, http, &options));
        let shutdown = Shutdown::new();
        let routes = routes.route(Route::get(METRICS).answers([503]).monitoring(), move |request| {
            let wish = Wish::of(request.uri(), request.headers());
            Arc::clone(&scrapes).answer(wish)
        });
        let routes = health::routes(routes, registry, http, &heartbeat, &shutdown, &options);
        let routes = profiles::routes(routes, &options);
        let everywhere: &[u16] = if options.max_connections > 0 { &[503] } else { &[] };
        let table = Table::new(http, routes, everywhere)?;
        if let Some(profiler) = &options.profiler {
            http.exemplars_from(profiler);
        }
        if options.profiler.is_some() || options.token.is_some() {
            debug::declare(http);
        }
        http.max_connections().set(options.max_connections as f64);
        Ok(Self(Arc::new(Shared { table, http: http.clone(), heartbeat, shutdown, options })))
    }

    /// Tells everybody who asks `/health/ready` that no more requests shall come. [`run`](super::run) does it by itself; this
    /// is for who serves connections of another kind with [`serve_connection`](super::serve_connection), before they are ended.
    pub fn begin_shutdown(&self) {
        self.0.shutdown.begin();
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

    /// Answers one request whose head has just been read.
    pub(super) async fn answer(
        &self,
        peer: SocketAddr,
        standing: Standing,
        request: hyper::Request<Incoming>,
    ) -> hyper::Response<ObservedBody> {
        let started = Instant::now();
        let table = &self.0.table;
        let (head, body) = request.into_parts();
        let method = Method::parse(head.method.as_str());
        let found = table.find(&head.uri);
        let endpoint = found.as_ref().map_or(table.unmatched(), |found| &found.path.endpoint);
        let debugging = debug::covers(head.uri.path());
        let monitoring = debugging || found.as_ref().is_some_and(|found| found.path.monitoring);
        let refusal = if debugging { self.refusal_of_debug(&head) } else { None };
        let profile = Arc::new(self.profile(&head, endpoint.name(), method, monitoring).begun_at(started));
        let journey = Journey { read: BytesRead::new(), profile };
        let observation = Observation::new(endpoint.clone(), journey.clone());
        let response = match found {
            _ if standing == Standing::Surplus && !monitoring => {
                let busy = "all connections are taken, try again in a second";
                respond::retry_after(respond::error(StatusCode::SERVICE_UNAVAILABLE, busy), 1)
            }
            _ if let Some(refusal) = refusal => refusal,
            None => table.not_found(),
            Some(Found { path, params }) => match path.handler(method) {
                None => path.wrong_method(),
                Some(handler) => {
                    let request = Request::new(head, peer, params, body, &journey, &self.0.options);
                    // The spans of the handler become phases, if there is a layer for that.
                    Arc::clone(&journey.profile).scope(call(handler, request)).await
                }
            },
        };
        let mut response = if method == Method::Head { without_body(response) } else { response };
        self.tell(&journey.profile, response.headers_mut());
        observation.attach(response)
    }

    fn refusal_of_debug(&self, head: &Parts) -> Option<Response> {
        debug::refusal(&self.0.http, self.0.options.token.as_ref(), &head.headers)
    }

    /// Starts the profile of a request; of monitoring traffic one that goes nowhere.
    fn profile(&self, head: &Parts, endpoint: &str, method: Method, monitoring: bool) -> OpenProfile {
        let Some(profiler) = self.0.options.profiler.as_ref().filter(|_| !monitoring) else {
            return OpenProfile::disabled(method);
        };
        // Of a field that was sent twice nobody knows which one is meant.
        let field = |name| {
            let mut fields = head.headers.get_all(name).iter();
            let field = fields.next().filter(|_| fields.next().is_none());
            field.and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let profile = profiler.start(endpoint, method).with_request_id(field(REQUEST_ID));
        profile.with_trace_id(TraceId::from_traceparent(field(TRACEPARENT)))
    }

    /// Tells the client the id under which the request will be found and, if it may know, its phases.
    fn tell(&self, profile: &OpenProfile, headers: &mut HeaderMap) {
        if !profile.is_enabled() {
            return;
        }
        if let Ok(id) = HeaderValue::from_maybe_shared(profile.request_id().to_string().into_bytes()) {
            headers.insert(REQUEST_ID, id);
        }
        if self.0.options.server_timing
            && let Ok(phases) = HeaderValue::from_maybe_shared(server_timing(&profile.phases(), profile.elapsed()))
        {
            headers.insert(SERVER_TIMING, phases);
        }
    }
}

/// Calls a handler; a panic in it is answered 500 and goes no further.
async fn call(handler: &Handler, request: Request) -> Response {
    let mut answering = pin!(async move { handler(request).await });
    let caught = std::future::poll_fn(move |cx| {
        // A panicked future is never polled again, and what it shared with others is behind their own locks.
        match catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    });
    match caught.await {
        Ok(response) => response,
        Err(panic) => {
            tracing::error!(message = crate::panic::words(&*panic), "a handler panicked");
            respond::error(StatusCode::INTERNAL_SERVER_ERROR, "the request could not be answered, this is a bug of the server")
        }
    }
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
