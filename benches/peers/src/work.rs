//! The works and the texts: what is asked, and what must come out. With the names and bounds that all subjects use.

use std::fmt;

use crate::inputs::{METHODS, STATUSES, inputs};
use crate::text;

/// What the subjects are asked to do. One operation is...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// adding one to a counter that is held.
    Counter,
    /// adding one to the next of 64 counters that are held.
    RotatingCounters,
    /// adding one to a counter that is found by two enums and a flag, among 40.
    TypedLabels,
    /// adding one to a counter that is found by three label values, among 400.
    Labels,
    /// observing a value in a histogram of 11 bounds that is held.
    Histogram,
    /// a finished request: a counter with three labels, and a histogram each for duration, request size and response size with
    /// the endpoint as label.
    HttpRequest,
}

impl Work {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Counter, Self::RotatingCounters, Self::TypedLabels, Self::Labels, Self::Histogram, Self::HttpRequest];

    /// The operations that a text speaks of.
    ///
    /// # Panics
    ///
    /// When families disagree that are written by the same operation.
    pub fn counted(self, text: &str) -> u64 {
        match self {
            Self::Counter | Self::RotatingCounters | Self::TypedLabels | Self::Labels => text::sum(text, JOBS),
            Self::Histogram => text::sum(text, "wait_seconds_count"),
            Self::HttpRequest => {
                let requests = text::sum(text, REQUESTS);
                for histogram in [DURATION, REQUEST_SIZE, RESPONSE_SIZE] {
                    assert_eq!(text::sum(text, &format!("{histogram}_count")), requests, "{histogram} counted otherwise");
                }
                requests
            }
        }
    }

    /// A case that must be slower than another, at two threads: if it is not, the machine or the harness is not to be trusted.
    pub fn sanity(self) -> Sanity {
        let (slower, faster) = match self {
            Self::Counter | Self::RotatingCounters => ("fetch_add, shared", "floor"),
            Self::TypedLabels | Self::Labels | Self::HttpRequest => ("metrics + exporter", "floor"),
            Self::Histogram => ("prometheus-client", "floor"),
        };
        Sanity { slower, faster }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter, held handle",
            Self::RotatingCounters => "counter, 64 rotating",
            Self::TypedLabels => "counter, typed labels",
            Self::Labels => "counter, 3 run-time labels",
            Self::Histogram => "histogram, 11 buckets, held",
            Self::HttpRequest => "whole HTTP request",
        })
    }
}

/// Names of two cases of which the first must be slower.
#[derive(Clone, Copy, Debug)]
pub struct Sanity {
    /// Does the same work in a way that is known to cost more.
    pub slower: &'static str,
    /// The other one.
    pub faster: &'static str,
}

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// So many counters with three labels.
    Counters(usize),
    /// So many histograms of 11 bounds with one label.
    Histograms(usize),
}

impl Shape {
    /// The shapes that are measured.
    pub const ALL: [Self; 3] = [Self::Counters(1_000), Self::Counters(100_000), Self::Histograms(1_000)];

    /// The shapes whose memory is weighed.
    pub const WEIGHED: [Self; 2] = [Self::Counters(10_000), Self::Histograms(10_000)];

    /// How many series.
    pub fn series(self) -> usize {
        match self {
            Self::Counters(series) | Self::Histograms(series) => series,
        }
    }

    /// Sample lines of the text.
    pub fn lines(self) -> u64 {
        match self {
            Self::Counters(series) => series as u64,
            // The bounds, `+Inf`, sum and count.
            Self::Histograms(series) => (series * (SECONDS.len() + 3)) as u64,
        }
    }

    /// Operations that a text of this shape speaks of.
    pub fn counted(self, text: &str) -> u64 {
        match self {
            Self::Counters(_) => text::sum(text, JOBS),
            Self::Histograms(_) => text::sum(text, "wait_seconds_count"),
        }
    }

    /// What `counted` must give.
    pub fn expected(self) -> u64 {
        match self {
            Self::Counters(series) => (0..series).map(|at| 2 * amount(at)).sum(),
            Self::Histograms(series) => 2 * (series * FILLING) as u64,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Counters(series) => write!(f, "text, {series} counters"),
            Self::Histograms(series) => write!(f, "text, {series} histograms"),
        }
    }
}

/// What each of two threads adds to a counter of a scrape: one to seven digits, as in a process that has run for a while.
pub fn amount(series: usize) -> u64 {
    10u64.pow((series % 7) as u32) + series as u64 % 10
}

/// Observations that each of two threads makes in a histogram of a scrape.
pub const FILLING: usize = 24;

/// Who fills the series of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fillers {
    /// Two threads, each all of them, so that subjects that count by thread have two threads' cells to add up.
    Two,
    /// The calling thread, for what it then holds.
    Here,
}

/// Calls `fill` for each series.
pub fn fill(series: usize, fillers: Fillers, fill: impl Fn(usize) + Sync) {
    match fillers {
        Fillers::Here => (0..series).for_each(fill),
        Fillers::Two => std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..series).for_each(&fill));
            }
        }),
    }
}

/// The label values of a counter in a scrape.
pub fn series_labels(at: usize) -> [String; 3] {
    let inputs = inputs();
    [
        format!("/api/v1/resource-{}", at / (METHODS.len() * STATUSES.len())),
        inputs.methods[at / STATUSES.len() % METHODS.len()].to_owned(),
        inputs.statuses[at % STATUSES.len()].to_owned(),
    ]
}

/// The label value of a histogram in a scrape.
pub fn series_endpoint(at: usize) -> String {
    format!("/api/v1/resource-{at}")
}

/// Name of the counters.
pub const JOBS: &str = "jobs_total";
/// Name of the histogram.
pub const WAIT: &str = "wait_seconds";
/// Name of the counter of requests.
pub const REQUESTS: &str = "http_requests_total";
/// Names of a request's histograms.
pub const DURATION: &str = "http_request_duration_seconds";
/// See [`DURATION`].
pub const REQUEST_SIZE: &str = "http_request_size_bytes";
/// See [`DURATION`].
pub const RESPONSE_SIZE: &str = "http_response_size_bytes";
/// Label names.
pub const LABELS: [&str; 3] = ["endpoint", "method", "status"];

pub use floor::{BYTES, NANOSECONDS, SECONDS};

/// The same as floats.
pub fn bytes_as_floats() -> [f64; 9] {
    BYTES.map(|bound| bound as f64)
}
