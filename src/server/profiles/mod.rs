//! `/debug/profile*`: the profiles of requests, for whoever has the token.
//!
//! Whoever comes here has brought the token (see `debug`). What an answer takes is computed on a blocking thread: a
//! thousand profiles are copied, sorted and written in milliseconds, in which no request may wait for its thread. Of these
//! computations few run at once, and the others wait: each holds a copy of the store, and handlers want blocking threads too.
//! [`flame`] are the forms of a flame graph, [`refusal`] is what is answered instead.

mod flame;
mod refusal;

use bytes::Bytes;
use hyper::StatusCode;
use serde_json::json;
use tokio::sync::Semaphore;

use super::options::Options;
use super::request::Request;
use super::respond::{self, Response};
use super::route::{Route, Routes};
use crate::profile::query::{Query, Wanted};
use crate::profile::{Profiler, RequestProfile, report};
use crate::sync::Arc;
use refusal::Refusal;

const LIST: &str = "/debug/profile";
const SUMMARY: &str = "/debug/profile/summary";
const FLAME_GRAPH: &str = "/debug/profile/flamegraph";
const CLEAR: &str = "/debug/profile/clear";
const ONE: &str = "/debug/profile/{id}";

/// The paths of all routes.
pub(super) const PATHS: [&str; 5] = [LIST, SUMMARY, FLAME_GRAPH, CLEAR, ONE];

/// Bytes of a body of filters: far more than all of them take.
const BODY_LIMIT: usize = 64 * 1024;

/// Answers that are computed at once: one that takes long leaves room for a quick one.
const COMPUTED_AT_ONCE: usize = 2;

/// What the routes share.
struct Profiles {
    profiler: Profiler,
    /// A permit for each computation that may run.
    computing: Arc<Semaphore>,
}

/// Appends the routes to those of a server that has a profiler.
pub(super) fn routes(routes: Routes, options: &Options) -> Routes {
    let Some(profiler) = options.profiler.clone() else {
        return routes;
    };
    let computing = Arc::new(Semaphore::new(COMPUTED_AT_ONCE));
    let profiles = &Arc::new(Profiles { profiler, computing });
    let routes = answered_by(profiles, routes, Route::get(LIST).answers([401, 429]), Profiles::list);
    let routes = answered_by(
        profiles,
        routes,
        Route::post(LIST).answers([401, 408, 413, 429]).body_limit(BODY_LIMIT),
        Profiles::list_of_body,
    );
    let routes = answered_by(profiles, routes, Route::get(SUMMARY).answers([401, 429]), Profiles::summary);
    let routes = answered_by(profiles, routes, Route::get(FLAME_GRAPH).answers([401, 429]), Profiles::flame_graph);
    let routes =
        answered_by(profiles, routes, Route::post(CLEAR).answers([401, 408, 413, 429]).body_limit(BODY_LIMIT), Profiles::clear);
    answered_by(profiles, routes, Route::get(ONE).answers([401, 404, 429]), Profiles::one)
}

/// Appends a route.
fn answered_by<F, A>(profiles: &Arc<Profiles>, routes: Routes, route: Route, answer: F) -> Routes
where
    F: Fn(Arc<Profiles>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response, Refusal>> + Send + 'static,
{
    let profiles = Arc::clone(profiles);
    routes.route(route.monitoring(), move |request| {
        let answered = answer(Arc::clone(&profiles), request);
        async move { answered.await.unwrap_or_else(Response::from) }
    })
}

impl Profiles {
    async fn list(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        let query = self.filters(&request, Wanted::Profiles)?;
        self.compute(move |profiler| json_line(report::listing(&query, profiler.profiles()))).await
    }

    async fn list_of_body(self: Arc<Self>, mut request: Request) -> Result<Response, Refusal> {
        let query = self.filters_of_body(&mut request, Wanted::Profiles).await?;
        self.compute(move |profiler| json_line(report::listing(&query, profiler.profiles()))).await
    }

    async fn summary(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        self.filters(&request, Wanted::Unfiltered)?;
        self.compute(|profiler| json_line(report::summary(profiler))).await
    }

    async fn flame_graph(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        let query = self.filters(&request, Wanted::FlameGraph)?;
        self.compute(move |profiler| flame::answer(&query, profiler.profiles())).await
    }

    /// Filters would be a misunderstanding: all profiles go.
    async fn clear(self: Arc<Self>, mut request: Request) -> Result<Response, Refusal> {
        self.filters_of_body(&mut request, Wanted::Unfiltered).await?;
        self.compute(|profiler| respond::json(StatusCode::OK, &json!({ "cleared": profiler.clear() }))).await
    }

    async fn one(self: Arc<Self>, request: Request) -> Result<Response, Refusal> {
        self.filters(&request, Wanted::Unfiltered)?;
        let id = percent_encoding::percent_decode_str(request.param("id").unwrap_or_default()).decode_utf8_lossy().into_owned();
        self.compute(move |profiler| find(profiler, &id).map(|profile| json_line(report::profile(&profile))))
            .await?
            .ok_or(Refusal::NotFound)
    }

    /// Reads the filters of the query string.
    fn filters(&self, request: &Request, wanted: Wanted) -> Result<Query, Refusal> {
        let pairs = form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
        Query::from_pairs(wanted, self.profiler.most(), pairs).map_err(Refusal::Query)
    }

    /// Reads the filters of the body.
    async fn filters_of_body(&self, request: &mut Request, wanted: Wanted) -> Result<Query, Refusal> {
        if request.uri().query().is_some_and(|query| !query.is_empty()) {
            return Err(Refusal::QueryOfPost);
        }
        let body = request.body().await.map_err(Refusal::Body)?;
        Query::from_json(wanted, self.profiler.most(), &body).map_err(Refusal::Query)
    }

    /// Computes something where it holds up nobody, when it is its turn.
    async fn compute<T: Send + 'static>(
        self: Arc<Self>,
        compute: impl FnOnce(&Profiler) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = Arc::clone(&self.computing).acquire_owned().await.expect("the semaphore is never closed");
        let computed = tokio::task::spawn_blocking(move || {
            // Until it is done, also if the client has left meanwhile.
            let _turn = turn;
            compute(&self.profiler)
        });
        computed.await.map_err(Refusal::NotComputed)
    }
}

fn json_line(mut json: String) -> Response {
    json.push('\n');
    respond::plain(StatusCode::OK, "application/json", Bytes::from(json))
}

/// The slowest profile with this id, a request's, else a trace's: a client that tries again may send one id often, and who comes from an
/// exemplar looks for the slow one.
fn find(profiler: &Profiler, id: &str) -> Option<RequestProfile> {
    let profiles = profiler.profiles();
    let slowest = |filter| {
        let query = Query::from_pairs(Wanted::Profiles, profiler.most(), [(filter, id)]).ok()?;
        profiles.iter().filter(|profile| query.matches(profile)).max_by_key(|profile| profile.duration).cloned()
    };
    slowest("request_id").or_else(|| slowest("trace_id"))
}
