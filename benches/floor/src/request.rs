//! All that a finished HTTP request writes: a counter by method and status, and three histograms.

use crate::cells::{self, Slots};
use crate::histogram::Bounds;

/// Bounds of durations, as `HttpMetrics` has them.
pub const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
/// The same in nanoseconds.
pub const NANOSECONDS: [u64; 11] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_000_000_000,
    5_000_000_000,
    10_000_000_000,
];
/// Bounds of sizes, as `HttpMetrics` has them.
pub const BYTES: [u64; 9] = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 5_242_880, 16_777_216];

const DURATIONS: Bounds<11> = Bounds(NANOSECONDS);
const SIZES: Bounds<9> = Bounds(BYTES);

const DURATION: usize = 0;
const REQUEST_SIZE: usize = DURATION + Bounds::<11>::CELLS;
const RESPONSE_SIZE: usize = REQUEST_SIZE + Bounds::<9>::CELLS;
const REQUESTS: usize = RESPONSE_SIZE + Bounds::<9>::CELLS;

/// What was seen of a request.
#[derive(Clone, Copy, Debug)]
pub struct Observed {
    /// Below the number of methods.
    pub method: usize,
    /// Below the number of statuses.
    pub status: usize,
    /// Its duration.
    pub nanoseconds: u64,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the response.
    pub response_bytes: u64,
}

/// Endpoints, and the requests of each.
#[derive(Debug)]
pub struct Requests {
    slots: Slots,
    statuses: usize,
    of_endpoint: usize,
}

/// An endpoint that is held.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    first: usize,
    statuses: usize,
}

impl Requests {
    /// So many endpoints, each with so many methods and statuses.
    pub fn new(endpoints: usize, methods: usize, statuses: usize) -> Self {
        let of_endpoint = REQUESTS + methods * statuses;
        Self { slots: Slots::take(endpoints * of_endpoint), statuses, of_endpoint }
    }

    /// Endpoint number `at`.
    #[inline]
    pub fn endpoint(&self, at: usize) -> Endpoint {
        Endpoint { first: self.slots.slot(at * self.of_endpoint).0, statuses: self.statuses }
    }

    /// Requests of an endpoint with a method and a status.
    pub fn requests(&self, endpoint: usize, method: usize, status: usize) -> u64 {
        self.slots.total(endpoint * self.of_endpoint + REQUESTS + method * self.statuses + status)
    }

    /// The cells of an endpoint's histograms: durations, sizes of requests, sizes of responses; counts by bucket, then the sum.
    pub fn histograms(&self, endpoint: usize) -> [Vec<u64>; 3] {
        let cells = |first: usize, count: usize| {
            (first..first + count).map(|at| self.slots.total(endpoint * self.of_endpoint + at)).collect()
        };
        let bytes = Bounds::<9>::CELLS;
        [cells(DURATION, Bounds::<11>::CELLS), cells(REQUEST_SIZE, bytes), cells(RESPONSE_SIZE, bytes)]
    }
}

impl Endpoint {
    /// Writes all of a request.
    #[inline]
    pub fn observe(self, request: &Observed) {
        let cells = cells::mine();
        cells::add(cells, self.first + REQUESTS + request.method * self.statuses + request.status, 1);
        DURATIONS.observe(cells, self.first + DURATION, request.nanoseconds);
        SIZES.observe(cells, self.first + REQUEST_SIZE, request.request_bytes);
        SIZES.observe(cells, self.first + RESPONSE_SIZE, request.response_bytes);
    }

    /// Observes the duration alone.
    #[inline]
    pub fn observe_duration(self, request: &Observed) {
        DURATIONS.observe(cells::mine(), self.first + DURATION, request.nanoseconds);
    }

    /// Observes the request's size alone.
    #[inline]
    pub fn observe_request_size(self, request: &Observed) {
        SIZES.observe(cells::mine(), self.first + REQUEST_SIZE, request.request_bytes);
    }

    /// Observes the response's size alone.
    #[inline]
    pub fn observe_response_size(self, request: &Observed) {
        SIZES.observe(cells::mine(), self.first + RESPONSE_SIZE, request.response_bytes);
    }
}
