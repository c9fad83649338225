//! The demo API: `/scenes`, `/scene`, and, when they are asked for, `/demo/fault` and `/demo/engine`.
//!
//! A request of the scene API passes, in this order: whose token is it (`auth`), is there room in that client's bucket
//! (`limit`), is it to fail (`fault`), and only then its own work (`load`), each phase of which is timed (`phase`).

pub(crate) mod auth;
mod control;
mod engine;
pub(crate) mod fault;
pub(crate) mod limit;
mod load;
pub(crate) mod phase;
pub(crate) mod place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::json;
use tachograph::health::checks::Loads;
use tachograph::http::HttpMetrics;
use tachograph::profile::OpenProfile;
use tachograph::server::{self, Request, Response, Route, Routes, StatusCode, Token, Unauthorized};

use auth::{Holders, Outcome};
use control::Control;
use fault::{FaultControl, Injected};
use limit::{Client, Limits};
use load::{LoadError, Loaded};
use phase::{AUTH_VALIDATION, FILE_IO, PhaseMetrics, RESPONSE_SERIALIZATION, SCENE_VALIDATION, Spent, milliseconds};
use place::Places;

use crate::clip::{MOST_TOLD, clipped};
use crate::engine::Engine;
use crate::folder::{ReadError, SceneFolder};

const SCENES: &str = "/scenes";
const SCENE: &str = "/scene";

/// Seconds after which what is short now may be there again.
const RETRY_AFTER: u64 = 1;
const NO_DESCRIPTORS: &str = "the server has no file descriptors left, try again in a second";

/// What the demo API needs to know; made once at start.
pub(crate) struct Demo {
    pub(crate) http: HttpMetrics,
    pub(crate) phases: PhaseMetrics,
    pub(crate) holders: Holders,
    pub(crate) limits: Limits,
    /// None unless faults were asked for.
    pub(crate) faults: Option<Arc<FaultControl>>,
    pub(crate) folder: SceneFolder,
    /// From how long on a request is logged as slow. One that fails by the server's fault always is.
    pub(crate) slow: Duration,
    pub(crate) current: Current,
    /// Shows the scene that is loaded.
    pub(crate) engine: Arc<Engine>,
    /// The scenes that are being loaded.
    pub(crate) loads: Loads,
    pub(crate) load_places: Places,
    pub(crate) list_places: Places,
}

/// The scene that is loaded. A std mutex is enough: it is held to copy or swap one pointer.
#[derive(Default)]
pub(crate) struct Current(Mutex<Option<Arc<Loaded>>>);

/// The requests of the scene API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    List,
    Show,
    Load,
}

impl Demo {
    /// Makes the series that are known from the start, at 0.
    pub(crate) fn prepare(&self) {
        for label in auth::labels() {
            self.http.auth_attempts().handle([label]);
        }
        for label in LoadError::LABELS {
            self.http.scene_load_errors().handle([label]);
        }
        for endpoint in [SCENES, SCENE] {
            self.http.rate_limit_hits().handle([endpoint]);
        }
        for file in self.folder.list().unwrap_or_default() {
            self.http.scene_loads().handle([&file.name]);
        }
    }

    async fn answer(&self, action: Action, mut request: Request) -> Response {
        let started = Instant::now();
        let outcome = {
            let _validation = request.phase(AUTH_VALIDATION);
            self.holders.identify(request.client(), request.headers())
        };
        self.note(action, outcome);
        let response = match self.limits.take(client(outcome, &request)) {
            Err(wait) => self.too_many(action, wait),
            Ok(()) => self.admitted(action, outcome, &mut request).await,
        };
        let spent = Spent::of(&request.profile().phases());
        if action == Action::Load {
            self.phases.observe(&spent);
        }
        let took = started.elapsed();
        let status = response.status();
        if status.is_server_error() {
            action.log("failed request", request.profile(), status, took, &spent);
        } else if took >= self.slow {
            action.log("slow request", request.profile(), status, took, &spent);
        }
        response
    }

    async fn admitted(&self, action: Action, outcome: Outcome, request: &mut Request) -> Response {
        let mut injected = Injected::default();
        if let Some(control) = &self.faults {
            injected = control.faults.inject();
            if !injected.delay.is_zero() {
                tokio::time::sleep(injected.delay).await;
            }
            if injected.error {
                return server::error(StatusCode::SERVICE_UNAVAILABLE, "the request failed because /demo/fault says so");
            }
        }
        match action {
            Action::List => self.list(request).await,
            Action::Show => self.show(),
            Action::Load => match outcome {
                Err(refused) => refused.into(),
                Ok(_) => {
                    self.http.auth_attempts().inc([Token::SUCCESS]);
                    self.load(request, &injected).await
                }
            },
        }
    }

    async fn list(&self, request: &Request) -> Response {
        let busy = |told| server::retry_after(server::error(StatusCode::SERVICE_UNAVAILABLE, told), RETRY_AFTER);
        let Some(place) = self.list_places.take().await else {
            return busy("the scenes are being listed as often as may be at once, try again in a second");
        };
        let folder = self.folder.clone();
        let profile = Arc::clone(request.profile());
        let listing = move || {
            let _place = place;
            let _reading = profile.phase(FILE_IO);
            folder.list()
        };
        match tokio::task::spawn_blocking(listing).await {
            Ok(Ok(files)) => {
                let _serialization = request.phase(RESPONSE_SERIALIZATION);
                server::json(StatusCode::OK, &json!({ "scenes": files }))
            }
            failed => {
                let request_id = &*request.profile().request_id().to_string();
                tracing::error!(?failed, request_id, "the scenes cannot be listed");
                if let Ok(Err(ReadError::NoDescriptors)) = failed {
                    return busy(NO_DESCRIPTORS);
                }
                server::error(StatusCode::INTERNAL_SERVER_ERROR, "the scenes cannot be listed, the server's log says why")
            }
        }
    }

    fn show(&self) -> Response {
        let current = self.current.scene().clone();
        match current {
            Some(loaded) => server::json(StatusCode::OK, &json!({ "scene": *loaded })),
            None => server::error(StatusCode::NOT_FOUND, "no scene is loaded yet, load one with POST /scene"),
        }
    }

    async fn load(&self, request: &mut Request, injected: &Injected) -> Response {
        let result = match request.body().await {
            Err(cause) => Err(LoadError::Body(cause)),
            Ok(_) if injected.fail_scene => Err(LoadError::Injected),
            Ok(body) => {
                load::load(&self.folder, body, request.profile(), &self.load_places, &self.loads, injected.load_delay).await
            }
        };
        let serialization = request.phase(RESPONSE_SERIALIZATION);
        match result {
            Ok(loaded) => {
                self.http.scene_loads().inc([&loaded.name]);
                let scene = serde_json::to_string(&*loaded).expect("a scene is numbers and maps by name, which JSON can write");
                drop(serialization);
                self.engine.show(loaded.scene.node_count);
                *self.current.scene() = Some(loaded);
                // Put together by hand, because the time of writing the scene is itself a part of the answer.
                let spent = Spent::of(&request.profile().phases());
                let body = format!("{{\"scene\":{scene},\"phases_ms\":{}}}\n", spent.to_json());
                server::plain(StatusCode::OK, "application/json", body)
            }
            Err(cause) => {
                self.http.scene_load_errors().inc([cause.label()]);
                cause.answer()
            }
        }
    }

    /// Counts an authentication for a control, and makes the answer to whoever failed.
    fn refusal(&self, outcome: Outcome) -> Option<Response> {
        self.http.auth_attempts().inc([auth::label(outcome)]);
        outcome.err().map(Response::from)
    }

    /// Counts a failed authentication, whatever is answered to it. Where none is needed a guess may be made too, for a token has
    /// a rate limit of its own.
    fn note(&self, action: Action, outcome: Outcome) {
        if let Err(refused) = outcome
            && (action == Action::Load || refused != Unauthorized::MissingToken)
        {
            self.http.auth_attempts().inc([refused.label()]);
        }
    }

    fn too_many(&self, action: Action, wait: Duration) -> Response {
        self.http.rate_limit_hits().inc([action.endpoint()]);
        let seconds = wait.as_millis().div_ceil(1_000) as u64;
        let told = "too many requests, wait as long as Retry-After says";
        server::retry_after(server::error(StatusCode::TOO_MANY_REQUESTS, told), seconds)
    }
}

impl Current {
    fn scene(&self) -> MutexGuard<'_, Option<Arc<Loaded>>> {
        // Nothing under the lock can panic half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Action {
    fn endpoint(self) -> &'static str {
        match self {
            Self::List => SCENES,
            Self::Show | Self::Load => SCENE,
        }
    }

    /// With the ids by which its profile, and what others did for the same user, can be found. The request's may be a client's:
    /// as a text it is quoted, and cannot be taken for further fields.
    fn log(self, what: &str, profile: &OpenProfile, status: StatusCode, took: Duration, spent: &Spent) {
        tracing::warn!(
            request_id = &*profile.request_id().to_string(),
            trace_id = profile.trace_id().map(tracing::field::display),
            endpoint = self.endpoint(),
            method = profile.method().as_str(),
            status = status.as_u16(),
            total_ms = milliseconds(took),
            auth_validation_ms = spent.milliseconds(AUTH_VALIDATION),
            scene_validation_ms = spent.milliseconds(SCENE_VALIDATION),
            file_io_ms = spent.milliseconds(FILE_IO),
            response_serialization_ms = spent.milliseconds(RESPONSE_SERIALIZATION),
            "{what}"
        );
    }
}

/// Lists the routes of the demo API.
pub(crate) fn routes(demo: &Arc<Demo>) -> Routes {
    let injected: &[u16] = if demo.faults.is_some() { &[503] } else { &[] };
    let answers = |route: Route, statuses: &[u16]| route.answers(statuses.iter().chain(injected).copied());
    let of = |action: Action| {
        let demo = Arc::clone(demo);
        move |request| {
            let demo = Arc::clone(&demo);
            async move { demo.answer(action, request).await }
        }
    };
    let routes = Routes::new()
        .route(answers(Route::get(SCENES), &[429, 503]), of(Action::List))
        .route(answers(Route::get(SCENE), &[404, 429]), of(Action::Show))
        .route(answers(Route::post(SCENE), &[401, 404, 408, 413, 422, 429, 503]), of(Action::Load));
    let Some(faults) = &demo.faults else { return routes };
    let routes = controlled(routes, "/demo/fault", demo, faults);
    controlled(routes, "/demo/engine", demo, &demo.engine)
}

/// Adds the routes of a control.
fn controlled(routes: Routes, path: &str, demo: &Arc<Demo>, control: &Arc<impl Control>) -> Routes {
    let answer = || {
        let (demo, control) = (Arc::clone(demo), Arc::clone(control));
        move |request| {
            let (demo, control) = (Arc::clone(&demo), Arc::clone(&control));
            async move { demo.control(control, request).await }
        }
    };
    routes
        .route(Route::get(path).answers([401, 429]).monitoring(), answer())
        .route(Route::post(path).answers([401, 408, 413, 429, 503]).monitoring(), answer())
}

/// Reads a JSON object of known fields, and says what is wrong with it.
fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    // Asked first, because serde takes an array for an object whose fields stand in order.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err("the body is no JSON object, send one".to_owned());
    }
    serde_json::from_slice(body).map_err(|cause| {
        let cause = clipped(cause.to_string(), MOST_TOLD);
        format!("the body is not the JSON object that is wanted: {cause}")
    })
}

/// Whose bucket a request takes from.
fn client(outcome: Outcome, request: &Request) -> Client {
    outcome.map_or_else(|_| Client::Address(request.client()), Client::Token)
}
