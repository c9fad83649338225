//! Requests to servers, within bounds of time and size: one client, whose connections are kept.
//!
//! [`Fetcher::ask`] blocks. What went wrong is a [`Failure`], whose text is one line that says what to do.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::rustls::{self, ClientConfig};

/// As long as Prometheus waits by default.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer that are read at most: a hundred times what large services show.
pub(crate) const MOST_BYTES: usize = 256 << 20;
/// Servers close connections that idle; this is sooner than most of them do.
const MOST_IDLE: Duration = Duration::from_secs(4);
/// How often it is told how far a request is.
const TOLD_EVERY: Duration = Duration::from_millis(100);
/// What is named in `User-Agent`.
const AGENT: &str = concat!("tachograph/", env!("CARGO_PKG_VERSION"));

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a str,
    pub(crate) accept: &'a str,
    /// Sent as a bearer token.
    pub(crate) token: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// A `GET` without a token.
    pub(crate) fn get(url: &'a str, accept: &'a str) -> Self {
        Self { method: Method::GET, url, accept, token: None }
    }
}

/// An answer with any status.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Empty if there is none.
    pub(crate) content_type: String,
    /// Where a redirection leads.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
    /// From the request to the last byte.
    pub(crate) took: Duration,
}

/// Why there is no answer, or none that is of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// One line, without a full stop.
    pub(crate) told: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Nobody listens, or whoever does speaks no HTTP, or the answer broke off.
    Unreachable,
    /// There was no whole answer in time.
    TimedOut,
    /// The answer has this status, which is not the one hoped for.
    Status(StatusCode),
    /// The answer is not what was asked for.
    Unreadable,
    /// It cannot be asked: the URL, the token or the machine is wrong.
    Impossible,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, told: impl Into<String>) -> Self {
        Self { kind, told: told.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

/// How far a request is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Progress {
    /// So long it takes, and so many bytes have come.
    Waited(Duration, u64),
    /// It took so long.
    Ended(Duration),
}

/// A client whose connections are kept between requests.
#[derive(Debug)]
pub(crate) struct Fetcher {
    /// One thread beside the caller's, on which connections notice that the server has closed them. Taken when dropped.
    runtime: Option<Runtime>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
    /// Told every [`TOLD_EVERY`] how far a request is.
    progress: fn(Progress),
}

impl Fetcher {
    /// A client that waits so long for a whole answer, and trusts whom `tls` says.
    pub(crate) fn new(patience: Duration, tls: ClientConfig) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|cause| {
            Failure::new(FailureKind::Impossible, format!("the client could not be started: {cause}; free some threads"))
        })?;
        let client = {
            let _entered = runtime.enter();
            let mut client = Client::builder(TokioExecutor::new());
            client.pool_timer(TokioTimer::new()).pool_idle_timeout(MOST_IDLE);
            client.build(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build())
        };
        Ok(Self { runtime: Some(runtime), client, patience, progress: |_| {} })
    }

    /// The same client, which tells how far it is.
    pub(crate) fn with_progress(mut self, progress: fn(Progress)) -> Self {
        self.progress = progress;
        self
    }

    /// Asks, and returns the answer whatever its status is. Redirections are not followed.
    pub(crate) fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let request = request(ask)?;
        let runtime = self.runtime.as_ref().expect("it is taken when it is dropped");
        let started = Instant::now();
        let received = Arc::new(AtomicU64::new(0));
        let exchange = exchange(&self.client, request, Arc::clone(&received));
        let asked = runtime.block_on(async {
            let mut exchange = std::pin::pin!(timeout(self.patience, exchange));
            let mut tick = tokio::time::interval(TOLD_EVERY);
            loop {
                tokio::select! {
                    biased;
                    exchanged = &mut exchange => return exchanged,
                    // Relaxed: a number to show, and nothing else hangs on it.
                    _ = tick.tick() => (self.progress)(Progress::Waited(started.elapsed(), received.load(Ordering::Relaxed))),
                }
            }
        });
        (self.progress)(Progress::Ended(started.elapsed()));
        let patience = self.patience.as_secs_f64();
        asked
            .unwrap_or_else(|_| {
                let told = format!("there was no whole answer within {patience} s; is it busy, or is it no HTTP server?");
                Err(Failure::new(FailureKind::TimedOut, told))
            })
            .map(|answer| Answer { took: started.elapsed(), ..answer })
            .map_err(|failure| Failure { told: format!("cannot read {}: {}", ask.url, failure.told), ..failure })
    }
}

impl Drop for Fetcher {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A name that is still being looked up is not waited for.
            runtime.shutdown_background();
        }
    }
}

/// Whether what should be a URL names a user or a password. Asked first: whatever else is wrong with it is told with the URL.
pub(crate) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest.trim_start_matches('/'));
    rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
}

fn request(ask: &Ask<'_>) -> Result<Request<Full<Bytes>>, Failure> {
    let impossible = |told: String| Failure::new(FailureKind::Impossible, told);
    let uri: Uri = ask
        .url
        .parse()
        .map_err(|cause| impossible(format!("{:?} is not a URL: {cause}; write http://HOST:PORT/metrics", ask.url)))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        let told = format!("{} is not http:// or https://, and no other is spoken here; fetch it with another client", ask.url);
        return Err(impossible(told));
    }
    let mut request = Request::builder().method(ask.method.clone()).uri(uri);
    request = request.header(ACCEPT, ask.accept).header(ACCEPT_ENCODING, "identity").header(USER_AGENT, AGENT);
    if let Some(token) = ask.token {
        let header = HeaderValue::from_str(&format!("Bearer {token}"));
        let mut header = header.map_err(|_| impossible("the token has characters that no header may have".to_owned()))?;
        header.set_sensitive(true);
        request = request.header(AUTHORIZATION, header);
    }
    request.body(Full::default()).map_err(|cause| impossible(format!("{} cannot be asked for: {cause}", ask.url)))
}

async fn exchange(
    client: &Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    request: Request<Full<Bytes>>,
    received: Arc<AtomicU64>,
) -> Result<Answer, Failure> {
    let response = client.request(request).await.map_err(|cause| {
        let told = format!("{}; {}", chain(&cause), advice(&cause));
        Failure::new(FailureKind::Unreachable, told)
    })?;
    let header =
        |name: HeaderName| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let (status, location) = (response.status(), header(LOCATION));
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    if let Some(encoding) = header(CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        let told = format!(
            "it is encoded as {encoding:?}, which was not asked for; fetch it with another client and pipe it \
             into `tachograph check`"
        );
        return Err(Failure::new(FailureKind::Unreadable, told));
    }
    let body = collect(response, &received).await?;
    Ok(Answer { status, content_type, location, body, took: Duration::ZERO })
}

async fn collect(response: Response<Incoming>, received: &AtomicU64) -> Result<Vec<u8>, Failure> {
    let too_large = || Failure::new(FailureKind::Unreadable, crate::check::TOO_LARGE);
    let mut bytes = Vec::new();
    let mut body = response.into_body();
    // What it says that it will send need not be waited for.
    if body.size_hint().lower() > MOST_BYTES as u64 {
        return Err(too_large());
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| {
            Failure::new(FailureKind::Unreachable, format!("the answer broke off: {}; try again", chain(&cause)))
        })?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MOST_BYTES {
                return Err(too_large());
            }
            bytes.extend_from_slice(data);
            // Relaxed: as in `ask`.
            received.store(bytes.len() as u64, Ordering::Relaxed);
        }
    }
    Ok(bytes)
}

/// What to do about a connection that came to nothing.
fn advice(error: &(dyn Error + 'static)) -> &'static str {
    let mut cause = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<rustls::Error>() {
            Some(rustls::Error::InvalidCertificate(_)) => {
                return "name the server as its certificate does, and the authority that has signed it with --ca-file";
            }
            Some(rustls::Error::InvalidMessage(_)) => return "does it speak TLS, or is it http://?",
            Some(_) => return "does it speak TLS 1.2 or 1.3?",
            None => {}
        }
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return "does an HTTP server listen there, or is it https://?";
        }
        // Of an error of its own, an I/O error tells the cause of that.
        cause = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    "does an HTTP server listen there?"
}

/// An error with its causes, of which hyper tells the first alone.
fn chain(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust;

    #[test]
    fn what_cannot_be_asked_is_told_without_its_token() {
        let fetcher = Fetcher::new(PATIENCE, trust::config("http:", None).unwrap()).unwrap();
        for (url, token, part) in [
            ("http://", None, "is not a URL"),
            ("ftp://localhost/metrics", None, "is not http:// or https://"),
            ("http://localhost/", Some("se\ncret"), "no header may have"),
        ] {
            let failure = fetcher.ask(&Ask { token, ..Ask::get(url, "*/*") }).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Impossible);
            assert!(failure.to_string().contains(part) && !failure.to_string().contains("cret"), "{failure}");
        }
    }
}
