//! Why profiles are not told, and what is answered instead.

use hyper::StatusCode;
use tokio::task::JoinError;

use crate::profile::query::QueryError;
use crate::server::request::BodyError;
use crate::server::respond::{Response, error};

/// Why a request gets no profiles.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Its filters make no sense.
    Query(QueryError),
    /// It has filters in its query, where a POST has none: they would be taken for given.
    QueryOfPost,
    /// Its body did not come, or is too large.
    Body(BodyError),
    /// There is no such profile.
    NotFound,
    /// The computation panicked, or the runtime ended.
    NotComputed(JoinError),
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Query(cause) => error(StatusCode::BAD_REQUEST, &cause.to_string()),
            Refusal::QueryOfPost => {
                let told = "a POST has its filters as a JSON object in its body, send them there instead of in the query";
                error(StatusCode::BAD_REQUEST, told)
            }
            Refusal::Body(cause) => cause.into(),
            Refusal::NotFound => {
                let told = "no profile that is kept has this request id or trace id, GET /debug/profile lists those that are";
                error(StatusCode::NOT_FOUND, told)
            }
            Refusal::NotComputed(cause) => {
                tracing::error!(%cause, "profiles could not be told");
                let told = "the profiles could not be told, this is a bug of the server";
                error(StatusCode::INTERNAL_SERVER_ERROR, told)
            }
        }
    }
}
