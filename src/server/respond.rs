//! Answers in the few shapes that the server and its users need.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
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

/// Who may load an answer into a page; hyper has no name for it.
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// What every answer says to browsers unless its handler has said something else: that it is of no other type than it says, is shown in no
/// frame, is no part of a page of another origin, and that no link in it tells where it was followed.
const TO_BROWSERS: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// Adds what every answer says to browsers.
pub(super) fn secure(headers: &mut HeaderMap) {
    let says_who_frames = headers.get(CONTENT_SECURITY_POLICY).is_some_and(|policy| {
        policy.as_bytes().windows(b"frame-ancestors".len()).any(|word| word.eq_ignore_ascii_case(b"frame-ancestors"))
    });
    for (name, value) in &TO_BROWSERS {
        // Browsers that know both go by the policy; the header could only take back what it allows in those that do not.
        let is_said = headers.contains_key(name) || (says_who_frames && name == X_FRAME_OPTIONS);
        if !is_said {
            headers.insert(name, value.clone());
        }
    }
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
