//! Why a scrape gets no scrape, and what it gets instead.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde_json::json;
use tokio::task::JoinError;

use crate::Counter;
use crate::http::served::Served;
use crate::server::respond::{self, Response};

/// Why a scrape is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// More names than one request may ask for.
    Names { max: usize },
    /// All places are taken.
    Busy { max_scrapes: usize },
    /// It would have come when the client has given up.
    Late { stage: Stage, waited: Duration },
    /// The fold panicked.
    NoSnapshot,
    /// The encoder panicked, or the runtime ended.
    NotRendered(JoinError),
}

/// What a scrape waits for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stage {
    Snapshot,
    Rendering,
}

/// Answers refusals, and counts those that come of too much work.
#[derive(Debug)]
pub(super) struct Refusals {
    busy: Counter,
    late: Counter,
    /// When the log was told last. A mutex is enough: it is for refusals alone.
    told: Mutex<Option<Instant>>,
}

/// Refusals come as often as somebody asks. The counters tell all of them, the log that there are some.
const TOLD_EVERY: Duration = Duration::from_secs(60);

impl Refusals {
    pub(super) fn new(served: &Served) -> Self {
        let refused = |reason| served.scrapes_refused.handle([reason]);
        Self { busy: refused("busy"), late: refused("late"), told: Mutex::new(None) }
    }

    /// Whether the log has not been told for a while.
    fn may_tell(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|told| told.elapsed() >= TOLD_EVERY);
        if due {
            *told = Some(Instant::now());
        }
        due
    }

    pub(super) fn answer(&self, refusal: Refusal) -> Response {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        match refusal {
            Refusal::Names { max } => {
                let told = format!("there are more than {max} name[] in the query, ask for fewer families or for all");
                respond::error(StatusCode::BAD_REQUEST, &told)
            }
            Refusal::Busy { max_scrapes } => {
                self.busy.inc();
                if self.may_tell() {
                    tracing::warn!(max_scrapes, "a scrape was refused: as many as may be are under way (said once a minute)");
                }
                let told = "as many scrapes as may be are under way, try again in a second or scrape from fewer places";
                respond::retry_after(respond::json(unavailable, &json!({ "error": told, "max_scrapes": max_scrapes })), 1)
            }
            Refusal::Late { stage, waited } => {
                self.late.inc();
                let (waited_for, remedy) = match stage {
                    Stage::Snapshot => ("snapshot", "raise scrape_timeout, or look for a slow collector"),
                    Stage::Rendering => ("rendering", "raise scrape_timeout, or ask for fewer families with name[]"),
                };
                let seconds = waited.as_secs_f64();
                if self.may_tell() {
                    tracing::warn!(waited_for, seconds, "a scrape was refused: it would have been late (said once a minute)");
                }
                let told = format!("the {waited_for} was not there after {seconds} s, {remedy}");
                let told = json!({ "error": told, "waited_for": waited_for, "waited_seconds": seconds });
                respond::retry_after(respond::json(unavailable, &told), 1)
            }
            Refusal::NoSnapshot => {
                tracing::error!("the snapshot thread does not answer");
                respond::error(unavailable, "no snapshot could be taken, try again")
            }
            Refusal::NotRendered(cause) => {
                tracing::error!(%cause, "a snapshot could not be rendered");
                respond::error(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the snapshot could not be rendered, this is a bug of the server",
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::RETRY_AFTER;

    use super::*;
    use crate::Registry;
    use crate::http::{HttpMetrics, HttpOptions};

    #[tokio::test]
    async fn each_refusal_has_its_status_and_says_when_to_come_again() {
        let registry = Registry::new();
        let http = HttpMetrics::register(&registry, HttpOptions::default()).unwrap();
        let refusals = Refusals::new(http.served(&registry).unwrap());
        let panicked = tokio::task::spawn_blocking(|| panic!("on purpose")).await.unwrap_err();
        let waited = Duration::from_millis(450);
        for (refusal, status, comes_again) in [
            (Refusal::Names { max: 1 }, 400, false),
            (Refusal::Busy { max_scrapes: 1 }, 503, true),
            (Refusal::Late { stage: Stage::Snapshot, waited }, 503, true),
            (Refusal::Late { stage: Stage::Rendering, waited }, 503, true),
            (Refusal::NoSnapshot, 503, false),
            (Refusal::NotRendered(panicked), 500, false),
        ] {
            let told = format!("{refusal:?}");
            let answer = refusals.answer(refusal);
            assert_eq!((answer.status().as_u16(), answer.headers().contains_key(RETRY_AFTER)), (status, comes_again), "{told}");
        }
        let scrape = registry.snapshot();
        assert!(scrape.text().contains("\ntachograph_scrapes_refused_total{reason=\"busy\"} 1\n"));
        assert!(scrape.text().contains("\ntachograph_scrapes_refused_total{reason=\"late\"} 2\n"));
    }
}
