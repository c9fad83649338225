//! `/health*`: what the checks say, and the server's own [`signs`] of life.
//!
//! Everybody is told the statuses; what the checks say is for who brings a token that is known. One who brings a wrong one is told what
//! everybody is, so that a prober with an old token does not take a service down; the attempt is counted as such, and compared
//! as anywhere else. [`question`] reads a query, [`refusal`] is what it gets when it cannot be answered.

mod question;
mod refusal;
mod signs;

use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{ACCEPT, HeaderValue, VARY};

use super::access::{FailureLimit, Tokens};
use super::options::Options;
use super::request::Request;
use super::respond::{self, Response};
use super::route::{Route, Routes};
use super::shutdown::Shutdown;
use super::token::{Token, Unauthorized};
use crate::Registry;
use crate::health::{Group, HealthFormat, HealthRegistry, HealthReport, HealthStatus, Selection, View};
use crate::http::HttpMetrics;
use crate::sync::Arc;
use question::Question;
use refusal::Refusal;
use signs::Ages;
pub(super) use signs::Heartbeat;

const ALL: &str = "/health";
const QUICK: &str = "/health/quick";
const LIVE: &str = "/health/live";
const READY: &str = "/health/ready";
const STARTUP: &str = "/health/startup";
const ONE: &str = "/health/check/{name}";

/// The paths of all routes.
pub(super) const PATHS: [&str; 6] = [ALL, QUICK, LIVE, READY, STARTUP, ONE];

/// The age up to which a result is as good as a new one.
const FRESH: Duration = Duration::from_secs(1);

/// What the routes share.
struct Health {
    checks: HealthRegistry,
    registry: Registry,
    heartbeat: Heartbeat,
    shutdown: Shutdown,
    http: HttpMetrics,
    tokens: Tokens,
    auth_failures: FailureLimit,
}

/// Appends the routes to those of a server.
pub(super) fn routes(
    routes: Routes,
    registry: &Registry,
    http: &HttpMetrics,
    heartbeat: &Heartbeat,
    shutdown: &Shutdown,
    options: &Options,
) -> Routes {
    let health = &Arc::new(Health {
        checks: options.health.clone(),
        registry: registry.clone(),
        heartbeat: heartbeat.clone(),
        shutdown: shutdown.clone(),
        http: http.clone(),
        tokens: options.tokens.clone(),
        auth_failures: options.auth_failures.clone(),
    });
    let routes = answered_by(health, routes, Route::get(ALL).answers([503]), Health::all);
    let routes = answered_by(health, routes, Route::get(QUICK).answers([503]), Health::quick);
    let routes = answered_by(health, routes, Route::get(LIVE).answers([503]), Health::live);
    let routes = answered_by(health, routes, Route::get(READY).answers([503]), Health::ready);
    let routes = answered_by(health, routes, Route::get(STARTUP).answers([503]), Health::startup);
    answered_by(health, routes, Route::get(ONE).answers([404, 503]), Health::one)
}

/// Appends a route.
fn answered_by<F, A>(health: &Arc<Health>, routes: Routes, route: Route, report: F) -> Routes
where
    F: Fn(Arc<Health>, Request) -> A + Copy + Send + Sync + 'static,
    A: Future<Output = Result<(Question, HealthReport), Refusal>> + Send + 'static,
{
    let health = Arc::clone(health);
    routes.route(route.monitoring(), move |request| {
        let health = Arc::clone(&health);
        async move {
            let view = health.view(&request);
            let format = HealthFormat::negotiate(request.headers().get_all(ACCEPT));
            match report(health, request).await {
                Ok((question, report)) => answer(&report, format, view, question.strict),
                Err(refusal) => refusal.into(),
            }
        }
    })
}

impl Health {
    async fn all(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = self.question(&request)?;
        let report = self.checks.fresh(&question.of(Selection::all()), FRESH).await;
        Ok((question, self.signs().tell(report)))
    }

    async fn quick(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = self.question(&request)?;
        let report = self.checks.report(&question.of(Selection::all()));
        Ok((question, self.signs().tell(report)))
    }

    /// A prober waits a second for its answer, which a round of checks may take; so it is told the last results.
    async fn live(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = self.question(&request)?;
        let report = self.checks.report(&question.of(Selection::group(Group::Live)));
        Ok((question, self.signs().tell(report)))
    }

    async fn ready(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = self.question(&request)?;
        let report = self.checks.report(&question.of(Selection::group(Group::Ready)));
        let report = if self.shutdown.has_begun() { report.with_issue("the server is shutting down") } else { report };
        Ok((question, report))
    }

    async fn startup(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = self.question(&request)?;
        let report = self.checks.report(&question.of(Selection::group(Group::Startup)));
        // What is excluded may be all that is still to come.
        let started = self.checks.has_started() || report.status() != HealthStatus::Unhealthy;
        Ok((question, report.with_status(if started { HealthStatus::Healthy } else { HealthStatus::Unhealthy })))
    }

    async fn one(self: Arc<Self>, request: Request) -> Result<(Question, HealthReport), Refusal> {
        let question = Question::of_one(request.uri().query())?;
        let name = request.param("name").unwrap_or_default();
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned();
        let report = self.checks.fresh(&Selection::check(&*name), FRESH).await;
        match report.checks() {
            [] => Err(Refusal::NoCheck { name, known: question::names(&self.checks) }),
            _ => Ok((question, report)),
        }
    }

    fn question(&self, request: &Request) -> Result<Question, Refusal> {
        Question::of_many(request.uri().query(), &self.checks)
    }

    fn signs(&self) -> Ages {
        Ages::of(&self.registry, &self.heartbeat)
    }

    /// How much the sender of a request may know. Who brings no token has not tried.
    fn view(&self, request: &Request) -> View {
        if self.tokens.is_empty() {
            return View::Public;
        }
        let (view, result) = match self.auth_failures.judge(request.client(), self.tokens.check(request.headers())) {
            Ok(()) => (View::Full, Token::SUCCESS),
            Err(Unauthorized::MissingToken) => return View::Public,
            Err(refused) => (View::Public, refused.label()),
        };
        self.http.auth_attempts().inc([result]);
        view
    }
}

fn answer(report: &HealthReport, format: HealthFormat, view: View, strict: bool) -> Response {
    let mut body = match format {
        HealthFormat::Json => report.to_json(view),
        HealthFormat::HealthJson => report.to_health_json(view, strict),
    };
    body.push('\n');
    let status = StatusCode::from_u16(report.http_status(strict)).expect("200 and 503 are statuses");
    let mut response = respond::plain(status, format.content_type(), body);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept, Authorization"));
    response
}
