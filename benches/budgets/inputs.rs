//! What the operations are given.

use floor::{NANOSECONDS, SECONDS};
use std::time::Duration;

use floor::Observed;
use tachograph::Buckets;
use tachograph::http::{Exchange, Method};

/// Length of the lists that the loops walk through: a power of two, so that it costs a mask.
pub(crate) const LEN: usize = 1_024;

/// The demo's endpoints.
pub(crate) const ROUTES: [&str; 12] = [
    "/",
    "/events",
    "/metrics",
    "/health",
    "/health/quick",
    "/scene",
    "/scene/{id}",
    "/scenes",
    "/debug/profile",
    "/debug/profile/summary",
    "/demo/fault",
    "unmatched",
];
/// With the routes and their histograms, about a thousand sample lines.
pub(crate) const METHODS: [Method; 6] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete, Method::Patch];
pub(crate) const STATUSES: [u16; 7] = [200, 201, 304, 400, 401, 404, 500];

/// Numbers below `n`, in an order that branch prediction does not learn by heart: the high bits of a linear congruential generator.
pub(crate) fn mixed(n: usize) -> [usize; LEN] {
    let mut state = 1u64;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    })
}

/// Nanoseconds, about as many in one bucket as in another, each the bound itself or above the last one.
pub(crate) fn durations() -> [u64; LEN] {
    mixed(NANOSECONDS.len() + 1).map(|bucket| NANOSECONDS.get(bucket).copied().unwrap_or(12_000_000_000))
}

pub(crate) fn buckets() -> Buckets {
    Buckets::seconds(&SECONDS).expect("the bounds are whole nanoseconds")
}

/// The labels of 400 series.
pub(crate) fn label_values() -> Vec<[String; 3]> {
    (0..400)
        .map(|at| [format!("/resource/{}/{{id}}", at / 20), format!("method-{}", at / 5 % 4), format!("{}", 200 + at % 5)])
        .collect()
}

/// A request of a route, for us and for the floor.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) route: usize,
    pub(crate) exchange: Exchange,
    pub(crate) observed: Observed,
}

/// Requests of all routes, methods and statuses.
pub(crate) fn requests() -> Vec<Request> {
    let kinds = mixed(ROUTES.len() * METHODS.len() * STATUSES.len());
    let request = |(kind, duration): (usize, u64)| {
        let (route, method, status) =
            (kind / STATUSES.len() / METHODS.len(), kind / STATUSES.len() % METHODS.len(), kind % STATUSES.len());
        let (request_bytes, response_bytes) = (duration % 3_000, duration % 90_000);
        let exchange = Exchange {
            method: METHODS[method],
            status: STATUSES[status],
            duration: Duration::from_nanos(duration),
            request_bytes,
            response_bytes,
        };
        Request { route, exchange, observed: Observed { method, status, nanoseconds: duration, request_bytes, response_bytes } }
    };
    kinds.into_iter().zip(durations()).map(request).collect()
}
