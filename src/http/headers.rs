//! What the headers of a request say to its profile, and what the answer's say of it.

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::Method;
use crate::profile::{OpenProfile, Profiler, TraceId};

/// Brings the id of a request, and takes it back.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Starts the profile of a request; without a profiler one that goes nowhere.
pub(crate) fn profile(profiler: Option<&Profiler>, headers: &HeaderMap, endpoint: &str, method: Method) -> OpenProfile {
    let Some(profiler) = profiler else { return OpenProfile::disabled(method) };
    // Of a field that was sent twice nobody knows which one is meant.
    let field = |name| {
        let mut fields = headers.get_all(name).iter();
        let field = fields.next().filter(|_| fields.next().is_none());
        field.and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let profile = profiler.start(endpoint, method).with_request_id(field(REQUEST_ID));
    profile.with_trace_id(TraceId::from_traceparent(field(TRACEPARENT)))
}

/// Tells the client the id under which the request will be found.
pub(crate) fn tell_id(profile: &OpenProfile, headers: &mut HeaderMap) {
    if profile.is_enabled()
        && let Ok(id) = HeaderValue::from_maybe_shared(profile.request_id().to_string().into_bytes())
    {
        headers.insert(REQUEST_ID, id);
    }
}
