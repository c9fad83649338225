//! Answers in the few shapes that the server and its users need.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use serde_json::{Value, json as object};

use super::body::Body;

/// An answer.
///
/// # Examples
///
/// ```
/// use tachograph::server::{self, Response, StatusCode, header};
///
/// let response: Response = server::plain(StatusCode::OK, "text/plain", "hello\n");
/// assert_eq!(response.headers()[header::CONTENT_TYPE], "text/plain");
/// ```
pub type Response = hyper::Response<Body>;

/// Makes an answer of bytes with their content type. Nothing here may be cached or taken for another type.
pub fn plain(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = hyper::Response::new(Body::from(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Makes an answer of a JSON value, ended by a line feed so that a terminal shows it well.
///
/// # Examples
///
/// ```
/// use serde_json::json;
/// use tachograph::server::{self, StatusCode, header};
///
/// let response = server::json(StatusCode::OK, &json!({ "loaded": true }));
/// assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
/// ```
pub fn json(status: StatusCode, value: &Value) -> Response {
    plain(status, "application/json", format!("{value}\n"))
}

/// Makes the JSON answer `{"error": message}`.
pub fn error(status: StatusCode, message: &str) -> Response {
    json(status, &object!({ "error": message }))
}

/// Tells the client after how many seconds to try again, at least one.
///
/// # Examples
///
/// ```
/// use tachograph::server::{self, StatusCode, header};
///
/// let busy = server::retry_after(server::error(StatusCode::TOO_MANY_REQUESTS, "slow down"), 0);
/// assert_eq!(busy.headers()[header::RETRY_AFTER], "1");
/// ```
pub fn retry_after(mut response: Response, seconds: u64) -> Response {
    response.headers_mut().insert(hyper::header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
    response
}
