//! One scrape from a server, within bounds of time and size.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use hyper::{Request, Response, StatusCode, Uri, body::Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use super::{MOST_BYTES, TOO_LARGE};

/// As long as Prometheus waits by default.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches a URL, and returns its content type, empty if there is none, and its body.
pub(super) fn fetch(url: &str, accept: &'static str) -> Result<(String, Vec<u8>), String> {
    let uri: Uri = url.parse().map_err(|cause| format!("{url:?} is not a URL: {cause}; write http://HOST:PORT/metrics"))?;
    if uri.scheme_str() != Some("http") {
        return Err(format!("{url} is not http://; fetch it with another client and pipe it into `tachograph check`"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| format!("the client could not be started: {cause}"))?;
    let fetched = runtime.block_on(async { timeout(PATIENCE, exchange(uri, accept)).await });
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    let fetched = fetched.unwrap_or_else(|_| Err(format!("there was no whole answer within {} s", PATIENCE.as_secs())));
    fetched.map_err(|told| format!("cannot read {url}: {told}"))
}

async fn exchange(uri: Uri, accept: &'static str) -> Result<(String, Vec<u8>), String> {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let agent = concat!("tachograph/", env!("CARGO_PKG_VERSION"));
    let request = Request::get(uri).header(ACCEPT, accept).header(USER_AGENT, agent);
    let request = request.body(Empty::new()).map_err(|cause| cause.to_string())?;
    let response =
        client.request(request).await.map_err(|cause| format!("{}; does an HTTP server listen there?", chain(&cause)))?;
    let header =
        |name: HeaderName| response.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    refuse_status(response.status(), header(LOCATION))?;
    if let Some(encoding) = header(CONTENT_ENCODING).filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
        return Err(format!(
            "it is encoded as {encoding:?}, which was not asked for; fetch it with another client and pipe it here"
        ));
    }
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    Ok((content_type, collect(response).await?))
}

fn refuse_status(status: StatusCode, location: Option<String>) -> Result<(), String> {
    match location {
        _ if status == StatusCode::OK => Ok(()),
        Some(location) if status.is_redirection() => {
            Err(format!("the answer is {status} to {location:?}, which is not followed; name the address itself"))
        }
        _ if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
            Err(format!("the answer is {status}; fetch it with a client that has the credentials and pipe it here"))
        }
        _ if status.is_server_error() => Err(format!("the answer is {status}; try again, or look at the server's log")),
        _ => Err(format!("the answer is {status}; name the path of the metrics, often /metrics")),
    }
}

async fn collect(response: Response<Incoming>) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|cause| format!("the answer broke off: {}; try again", chain(&cause)))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len() + data.len() > MOST_BYTES {
                return Err(TOO_LARGE.to_owned());
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// An error with its causes, of which hyper tells the first alone.
fn chain(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    told
}
