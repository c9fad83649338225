//! One request to a receiver, and what its answer means.

use std::error::Error;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use super::backoff::retry_after;
use super::endpoint::Endpoint;

/// Bytes of an answer that are read at most.
const MOST_ANSWERED: usize = 64 << 10;
/// Characters of it that are told.
const MOST_TOLD: usize = 200;
/// What is named in `User-Agent`.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("tachograph/", env!("CARGO_PKG_VERSION")));

/// What became of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is there; so it was answered.
    Accepted(Bytes),
    /// It may go better another time.
    Again {
        /// In a word.
        reason: &'static str,
        told: String,
        /// When the receiver wants to be asked again.
        after: Option<Duration>,
    },
    /// It never will.
    Refused { status: StatusCode, told: String },
}

#[derive(Debug)]
pub(super) struct Poster {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
    headers: HeaderMap,
    timeout: Duration,
    is_passing: fn(StatusCode) -> bool,
}

impl Poster {
    /// `headers` are those of the protocol; `is_passing` says which statuses may pass. Belongs into a tokio runtime.
    pub(super) fn new(
        endpoint: &Endpoint,
        headers: &[(&'static str, &'static str)],
        timeout: Duration,
        is_passing: fn(StatusCode) -> bool,
    ) -> Self {
        let mut all = endpoint.headers().clone();
        all.insert(USER_AGENT, AGENT);
        all.extend(headers.iter().map(|&(name, value)| {
            let name = name.parse().expect("our own headers are legal");
            (Some(name), HeaderValue::from_static(value))
        }));
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector);
        Self { client, uri: endpoint.uri().clone(), headers: all, timeout, is_passing }
    }

    pub(super) async fn post(&self, body: Bytes) -> Outcome {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        match timeout(self.timeout, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Again { reason: "timeout", told: format!("no answer within {:?}", self.timeout), after: None },
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Outcome {
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(cause) => {
                let reason = if cause.is_connect() { "unreachable" } else { "broken" };
                return Outcome::Again { reason, told: chain(&cause), after: None };
            }
        };
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, MOST_ANSWERED).collect().await;
        if head.status.is_success() {
            // The head says that it is there: should the rest break off, it still is.
            return Outcome::Accepted(body.map(|body| body.to_bytes()).unwrap_or_default());
        }
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let told = told(head.status, &body);
        if (self.is_passing)(head.status) {
            Outcome::Again { reason: "status", told, after: retry_after(&head.headers, SystemTime::now()) }
        } else {
            Outcome::Refused { status: head.status, told }
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        told = format!("{told}: {deeper}");
        cause = deeper.source();
    }
    told
}

/// Status and beginning of an answer, on one line.
fn told(status: StatusCode, body: &[u8]) -> String {
    let redirected = if status.is_redirection() { "; push to where it leads" } else { "" };
    let text: String = String::from_utf8_lossy(body).trim().chars().take(MOST_TOLD).collect();
    if text.is_empty() { format!("{status}{redirected}") } else { format!("{status}{redirected}: {text:?}") }
}
