//! What an HTTP service may choose.

use std::time::Duration;

use crate::metric::label::DEFAULT_LIMIT;

/// How [`HttpMetrics`](super::HttpMetrics) is set up.
///
/// # Examples
///
/// ```
/// use tachograph::http::HttpOptions;
///
/// let options = HttpOptions { limit: 5_000, ..HttpOptions::default() };
/// assert!(options.latency_gauges);
/// ```
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// How far back the latency quantiles look. 60 s; it slides in steps of 5 s. Less than 5 s counts as 5 s, more than 10 minutes
    /// as 10 minutes.
    pub window: Duration,
    /// Whether `http_request_latency_ms{quantile}` is exposed. True.
    pub latency_gauges: bool,
    /// Whether `http_request_latency_seconds`, a summary, is exposed. True.
    pub latency_summary: bool,
    /// Series of each family, and endpoints, before new ones become `other`. 1 000. `http_requests_total` has a series for each
    /// endpoint, method and status: leave room for their product.
    pub limit: usize,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self { window: Duration::from_secs(60), latency_gauges: true, latency_summary: true, limit: DEFAULT_LIMIT }
    }
}
