//! The forms of a flame graph, as answers.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue};

use super::json_line;
use crate::profile::RequestProfile;
use crate::profile::flame::{FlameGraph, chrome_trace, pprof, speedscope};
use crate::profile::query::{Format, Query};
use crate::server::respond::{self, Response};

/// The picture may run its own script and nothing else, in an origin of its own: a name that somebody has sent cannot make it
/// fetch, post or open anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; sandbox allow-scripts";

/// Answers with the flame graph that a query asks for, of profiles that are newest first.
pub(super) fn answer(query: &Query, profiles: Vec<RequestProfile>) -> Response {
    let before = query.before().map(|before| chosen(&before, profiles.clone()));
    let profiles = chosen(query, profiles);
    let graph = || match &before {
        Some(before) => FlameGraph::difference(&profiles, before),
        None => FlameGraph::of(&profiles),
    };
    match query.format {
        Format::Json => json_line(graph().d3()),
        Format::Folded => respond::plain(StatusCode::OK, "text/plain; charset=utf-8", graph().folded()),
        Format::Svg => {
            let svg = respond::plain(StatusCode::OK, "image/svg+xml", graph().svg("Where the time of requests went"));
            with(svg, CONTENT_SECURITY_POLICY, POLICY)
        }
        Format::Speedscope => {
            let file = respond::plain(StatusCode::OK, "application/json", speedscope(&profiles));
            with(file, CONTENT_DISPOSITION, "attachment; filename=\"profile.speedscope.json\"")
        }
        Format::Trace => {
            let file = respond::plain(StatusCode::OK, "application/json", chrome_trace(&profiles));
            with(file, CONTENT_DISPOSITION, "attachment; filename=\"profile.trace.json\"")
        }
        Format::Pprof => {
            let file = respond::plain(StatusCode::OK, "application/octet-stream", Bytes::from(pprof(&profiles)));
            with(file, CONTENT_DISPOSITION, "attachment; filename=\"profile.pb.gz\"")
        }
    }
}

/// The profiles that a query asks for.
fn chosen(query: &Query, profiles: Vec<RequestProfile>) -> Vec<RequestProfile> {
    let mut matching = query.matching(profiles);
    matching.drain(..query.offset.min(matching.len()));
    matching.truncate(query.limit.unwrap_or(usize::MAX));
    matching
}

fn with(mut response: Response, name: HeaderName, value: &'static str) -> Response {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}
