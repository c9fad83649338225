//! Which families of a scrape tell of HTTP requests, whoever wrote them.

use crate::client::scrape::{Family, Scrape, Series, Value};

/// Labels with the status of a request, by how many use them.
const STATUS: [&str; 4] = ["status", "code", "status_code", "http_response_status_code"];
/// Labels with the route.
const ROUTE: [&str; 7] = ["endpoint", "handler", "route", "http_route", "path", "uri", "service"];

/// What a scrape tells of HTTP requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    /// Requests by status: a counter, or a histogram whose observations are counted.
    pub(super) requests: Option<&'a Family>,
    /// How long they took.
    pub(super) durations: Option<&'a Family>,
    /// It is our own server, whose requests for monitoring are left out.
    own: bool,
}

impl<'a> Found<'a> {
    /// Looks for them: first by the names that many use, then by what names end with.
    pub(super) fn of(scrape: &'a Scrape) -> Self {
        let has = |family: &Family, labels: &[&str]| family.series.iter().any(|series| label(series, labels).is_some());
        let exactly = |names: &[&str], fits: &dyn Fn(&Family) -> bool| {
            names.iter().find_map(|name| scrape.family(name).filter(|family| fits(family)))
        };
        let ending = |ends: &[&str], fits: &dyn Fn(&Family) -> bool| {
            // What the Go client counts of scrapes alone is no traffic.
            let families = || scrape.families.iter().filter(|family| !family.name.starts_with("promhttp_"));
            let fitting = |end: &&str| families().find(|family| family.name.ends_with(*end) && fits(family));
            ends.iter().find_map(fitting)
        };
        let timed = |family: &Family| is_histogram(family);
        let durations = exactly(&["http_request_duration_seconds", "http_server_request_duration_seconds"], &timed)
            .or_else(|| ending(&["http_request_duration_seconds", "request_duration_seconds"], &timed));
        let counted = |family: &Family| family.is_counted() && !is_histogram(family) && has(family, &STATUS);
        let routed = |family: &Family| family.is_counted() && !is_histogram(family) && has(family, &ROUTE);
        let requests = exactly(&["http_requests_total"], &counted)
            .or_else(|| ending(&["http_requests_total", "requests_total"], &counted))
            .or_else(|| durations.filter(|family| has(family, &STATUS)))
            .or_else(|| ending(&["http_requests_total"], &routed))
            .or(durations);
        Self { requests, durations, own: scrape.family("tachograph_series").is_some() }
    }

    /// Whether there is anything to show.
    pub(super) fn anything(&self) -> bool {
        self.requests.is_some()
    }

    /// The series of a family that tell of users' requests.
    pub(super) fn of_users(&self, family: &'a Family) -> impl Iterator<Item = &'a Series> + use<'a> {
        let own = self.own;
        family.series.iter().filter(move |series| !own || route(series).is_none_or(|route| !is_monitoring(route)))
    }
}

fn is_histogram(family: &Family) -> bool {
    family.series.iter().any(|series| matches!(series.value, Value::Histogram(_)))
}

/// The routes by which our server is watched.
fn is_monitoring(route: &str) -> bool {
    matches!(route, "/" | "/events" | "/metrics")
        || ["/health", "/debug/", "/demo/"].iter().any(|start| route.starts_with(start))
}

/// The value of the first of the labels that a series has.
fn label<'a>(series: &'a Series, names: &[&str]) -> Option<&'a str> {
    let value = |name: &&str| series.labels.iter().find(|(label, _)| label == name).map(|(_, value)| value.as_str());
    names.iter().find_map(value)
}

/// The route that a series is of.
pub(super) fn route(series: &Series) -> Option<&str> {
    label(series, &ROUTE)
}

/// The place of the class of the status: 2xx, 3xx, 4xx, 5xx, and all others.
pub(super) fn class(series: &Series) -> usize {
    match label(series, &STATUS).and_then(|status| status.bytes().next()) {
        Some(class @ b'2'..=b'5') => usize::from(class - b'2'),
        _ => OTHER,
    }
}

/// The place of what has no class.
pub(super) const OTHER: usize = 4;
/// The place of the class of the server's errors.
pub(super) const FAILED: usize = 3;
