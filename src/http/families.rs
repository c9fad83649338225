//! The families that a request writes: what they are called.

use std::sync::Arc;

use super::HttpOptions;
use crate::metric::descriptor::{Descriptor, Kind};
use crate::registry::RegisterError;

/// The families that a request writes.
#[derive(Debug)]
pub(super) struct Families {
    pub(super) requests: Arc<Descriptor>,
    /// Durations, request sizes, response sizes.
    pub(super) histograms: [Arc<Descriptor>; 3],
    pub(super) gauges: Option<Arc<Descriptor>>,
    pub(super) summary: Option<Arc<Descriptor>>,
    all: Box<[Arc<Descriptor>]>,
}

impl Families {
    pub(super) fn new(options: &HttpOptions) -> Result<Self, RegisterError> {
        let family = |name, kind, help| {
            let descriptor = Descriptor::new(name, kind, help)?.with_known_unit(Some("seconds")).with_known_unit(Some("bytes"));
            Ok::<_, RegisterError>(Arc::new(descriptor))
        };
        let histogram = |name, help| family(name, Kind::Histogram, help);
        let requests = family("http_requests_total", Kind::Counter, "Requests, by route, method and status.")?;
        let histograms = [
            histogram("http_request_duration_seconds", "Time from a request's head to its response's last byte.")?,
            histogram("http_request_size_bytes", "Bytes of request bodies.")?,
            histogram("http_response_size_bytes", "Bytes of response bodies.")?,
        ];
        let help = "Latency of the last requests, by quantile, in milliseconds.";
        let gauges = family("http_request_latency_ms", Kind::Gauge, help)?;
        let gauges = options.latency_gauges.then_some(gauges);
        let help = "Latency: quantiles of the last requests, sum and count of all.";
        let summary = family("http_request_latency_seconds", Kind::Summary, help)?;
        let summary = options.latency_summary.then_some(summary);
        let all = [&requests].into_iter().chain(&histograms).chain(&gauges).chain(&summary).cloned().collect();
        Ok(Self { requests, histograms, gauges, summary, all })
    }

    pub(super) fn all(&self) -> &[Arc<Descriptor>] {
        &self.all
    }
}
